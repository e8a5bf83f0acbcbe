/*
 * screen: a terminal that shows one picture after another.  Owns its modes and
 * what it showed before, which is there again at the end, and the signals that
 * end or interrupt it.  What is in the pictures is others'.
 */
#ifndef FORKCTL_SCREEN_H
#define FORKCTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether standard input and output are one that can do that. */
bool screen_is_there(void);
/* 0, or -1: it is none. */
int screen_enter(void);
void screen_leave(void);
/* The signal that ends us, or 0.  One that stops us has done so. */
int screen_ended(void);
/* How many columns it has now. */
size_t screen_width(void);
/* As many lines of TEXT as it has. */
void screen_draw(const char *text);
/* Whether `q` was typed, or nobody can type any more, within a second. */
bool screen_quits(void);

#endif
