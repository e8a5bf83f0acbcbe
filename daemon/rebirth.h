/*
 * rebirth: a child whose process-to-be was lost before it had begun: it is
 * forked anew, with the job that still waits in its socket, as long as nobody
 * has read of that.
 */
#ifndef DAEMON_REBIRTH_H
#define DAEMON_REBIRTH_H

#include <stdbool.h>

struct child;

/* The zygote of C is over.  Forked, its end is seen by the daemon itself from
 * now on.  Else it is found among the daemon's new children, or waits in its
 * lane for the next zygote, or, HOW being what befell the zygote, has failed
 * and C is freed. */
void rebirth_orphaned(struct child *, const char *how);

/* The process of C has ended.  Whether that was a standby that had not read of
 * its job: then C is forked, or waits for that, or has failed and is freed. */
bool rebirth_from_standby(struct child *);
/* C has answered its job: if it was a standby, it is not given to another. */
void rebirth_no_more(struct child *);

#endif
