/*
 * text: other people's text on the way to a terminal, and figures for people.
 * Owns nothing.  Titles, messages and paths come from children and clients:
 * no byte of theirs may act on the terminal.
 */
#ifndef FORKCTL_TEXT_H
#define FORKCTL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One line: control characters and what is not UTF-8 become \xNN, a line
 * break \n, a backslash stays. */
void text_word(FILE *, const char *, size_t);

/* Several lines, as a traceback: line breaks and tabs stay.  Ends with a line
 * break. */
void text_block(FILE *, const char *, size_t);

/* Bytes of the UTF-8 sequence at S of N bytes, 0 where none is. */
size_t text_utf8(const char *s, size_t n);

/* Columns that a terminal needs for S (which text_word made). */
size_t text_width(const char *s);

/* "850us", "1.2ms", "123ms", "3.4s", "5m10s", "2h03m", "4d05h", into BUF. */
void text_duration(char *buf, size_t n, uint64_t ns);

#endif
