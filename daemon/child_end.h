/*
 * child_end: how a child is brought to its end: cancel, grace, SIGKILL.  Owns
 * the kill timer.
 */
#ifndef DAEMON_CHILD_END_H
#define DAEMON_CHILD_END_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

struct child;
struct server;

/*
 * Cancels and arms the kill for GRACE_NS from now; a later call may bring it
 * nearer, never further away.  One that is queued is dropped (C is freed), its
 * spawn answered with WHY where one is owed.
 */
void child_cancel(struct child *, uint64_t grace_ns, const struct err *why);
/* SIGKILL to the child, at its birth where it is not forked yet; what is left of
 * its groups then is leftover's affair.  As child_cancel for a queued one. */
void child_kill(struct child *, const struct err *why);
/* 0, or -1 with E filled. */
int child_signal(struct child *, int sig, struct err *);
/* ... where what it has to say cannot be heard: whoever waits for its start is
 * told why.  For EV_ERROR (exhausted.h). */
void child_unheard(struct child *);
/* SIGKILL as soon as GRACE_NS has passed, without a cancel. */
void child_kill_after(struct child *, uint64_t grace_ns);
void child_end_init(struct child *);
void child_end_fini(struct child *);

#endif
