/*
 * relay: bytes between the user's terminal and the child's.  Owns the two
 * buffers and nothing else; it knows of no child and no daemon.
 */
#ifndef FORKCTL_RELAY_H
#define FORKCTL_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/forkctl/pty.h"
#include "client/forkctl/terminal.h"

struct relay_buf {
	unsigned char p[16384];
	size_t at, len;
};

struct relay {
	struct terminal *term;
	struct pty *pty;
	struct relay_buf in, out; /* typed; printed */
	bool hung_up;             /* the user's terminal is gone */
};

enum relay_turn {
	RELAY_ON,
	RELAY_SUSPEND,   /* the suspend character went to the child; what was
			 * typed after it is kept */
	RELAY_INTERRUPT, /* the interrupt character was typed and there
				 * is no session yet that could hear it */
};

void relay_init(struct relay *, struct terminal *, struct pty *);

/* What to poll for: PFD[0] is the user's terminal, PFD[1] the master. */
void relay_poll(const struct relay *, struct pollfd pfd[2]);

/* Moves what can be moved without waiting. */
enum relay_turn relay_turn(struct relay *);

/* What the child has printed goes to the terminal, as far as it goes without
 * waiting. */
void relay_flush(struct relay *);

/*
 * As relay_flush, for a program that handles the suspend character itself:
 * waits a moment for what its handler prints, and keeps what would take the
 * screen again until relay_turn.
 */
void relay_leave_screen(struct relay *);

/*
 * The child has ended: all that it printed before goes to the terminal, which
 * is waited for, unless STOP (may be -1) becomes readable.  What others who
 * hold the child's terminal print later is not waited for.
 */
void relay_finish(struct relay *, int stop);

#endif
