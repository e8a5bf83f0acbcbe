/*
 * terminal: the terminal that the user sits at.  Owns its modes: what was
 * changed is put back, and nothing is changed while another job has it.
 */
#ifndef FORKCTL_TERMINAL_H
#define FORKCTL_TERMINAL_H

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

struct terminal {
	int fd; /* -1: there is none */
	bool raw;
	bool shared;          /* a pipeline's other programs print on it */
	struct termios saved; /* as it was before it became raw */
};

/* Takes the first terminal among fds 0 to 2.  Returns whether there is one;
 * terminal_fini gives it back as it was. */
bool terminal_open(struct terminal *);
void terminal_fini(struct terminal *);

/* Whether this process may read it and set its modes. */
bool terminal_foreground(const struct terminal *);

/* Raw, where this process is in the foreground; where it is not, what the
 * modes are is no longer ours to know.  Safe to repeat. */
void terminal_raw(struct terminal *);
void terminal_restore(struct terminal *);

#endif
