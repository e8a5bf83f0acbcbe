/*
 * rebirth: a child whose process-to-be was lost before it had begun: it is
 * forked anew, with the job that still waits in its socket, as long as nobody
 * has read of that.
 */
#ifndef DAEMON_REBIRTH_H
#define DAEMON_REBIRTH_H

struct child;

/* The zygote of C is over.  Forked, its end is seen by the daemon itself from
 * now on.  Else it is found among the daemon's new children, or waits in its
 * lane for the next zygote, or, HOW being what befell the zygote, has failed
 * and C is freed. */
void rebirth_orphaned(struct child *, const char *how);

#endif
