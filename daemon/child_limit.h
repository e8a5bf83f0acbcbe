/*
 * child_limit: how long a child may take to start, and to live.  Owns the timer
 * of both; how a child is ended is child_end's affair.
 */
#ifndef DAEMON_CHILD_LIMIT_H
#define DAEMON_CHILD_LIMIT_H

struct child;

void child_limit_init(struct child *);
void child_limit_fini(struct child *);
/* Its spawn was read: from now on c->start_timeout_ns counts, if it is not 0.
 * A child that passes it is killed, and its spawn answered with `timeout`. */
void child_limit_start(struct child *);
/* Its user code runs: from now on c->timeout_ns counts, if it is not 0.  A
 * child that passes it is cancelled, with its grace. */
void child_limit_started(struct child *);

#endif
