/*
 * pty: the pseudo-terminal that a child gets in place of the user's.  Owns
 * both ends; the slave stays open here, so that the master reads on when the
 * child has closed its own and may open /dev/tty again.
 */
#ifndef FORKCTL_PTY_H
#define FORKCTL_PTY_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "proto/err.h"

struct pty {
	int master; /* non-blocking */
	int slave;
};

/* A pair with the modes MODES and the size of the terminal LIKE. */
int pty_open(struct pty *, const struct termios *modes, int like, struct err *);
void pty_fini(struct pty *);
/* Closes our slave: the master reads to its end when all others are closed. */
void pty_close_slave(struct pty *);

/* Gives it the size of the terminal LIKE; its foreground group gets SIGWINCH
 * where that is a change. */
void pty_resize(const struct pty *, int like);

/*
 * Whether C typed now is to stop the job: the line discipline makes signals,
 * C is the suspend character, and the session leader's group is in the
 * foreground.  Another group is a shell's in there, which minds it.
 */
bool pty_suspends(const struct pty *, unsigned char c);

/* The foreground process group, 0 where it is no session's terminal yet. */
pid_t pty_foreground(const struct pty *);

#endif
