/*
 * trial: one child that is timed: from just before its spawn is asked for to
 * the answer, which comes when its code is about to run, and to its `exited`.
 * Owns nothing but the time; the connection and the params are the caller's.
 */
#ifndef FORKCTL_TRIAL_H
#define FORKCTL_TRIAL_H

#include <stdint.h>

#include "client/forkctl/rpc.h"

enum trial_end {
	TRIAL_DONE,
	TRIAL_REFUSED, /* the answer is the error */
	TRIAL_BROKEN,  /* the child did not end well, or the connection is
			* gone */
	TRIAL_STOPPED, /* a signal came */
};

struct trial {
	char start[16]; /* the start kind, as the daemon has it */
	uint64_t started_ns, reaped_ns;
	int sig;    /* that stopped it */
	char *told; /* lines on what broke it; the caller's to free */
};

/* SIGNALS is signals_open's.  A is initialised, and the caller's to end.  A
 * child that is stopped goes when the caller ends the connection. */
enum trial_end trial_run(struct forkserver *, int signals,
    const msgpack_sbuffer *params, struct trial *, struct answer *a);

#endif
