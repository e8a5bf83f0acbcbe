/*
 * leftover: what a cancelled or killed child has left in its process group and
 * its control group: it has the rest of the child's grace, and a moment at
 * least.  Owns the folder of its control group from the child's end on.
 */
#ifndef DAEMON_LEFTOVER_H
#define DAEMON_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct child;
struct leftover;
struct server;

struct leftovers {
	TAILQ_HEAD(, leftover) list; /* by time */
	size_t n;
};

void leftovers_init(struct leftovers *);

/*
 * C has exited.  Of one that was cancelled or killed: SIGTERM to what is left of
 * its process group; SIGKILL to that and to what is left of its control group
 * when the grace is over, but not before a moment has passed, in which
 * multiprocessing's resource tracker, for one, removes what the child has left
 * in turn.  Beyond a thousand the oldest has had its time.  What any other has
 * left goes on, as under python.  Takes C's control group.
 */
void leftover_of(struct child *);
/* SIGKILL to C's groups, with nobody to wait for its end. */
void leftover_now(const struct child *);
/* SIGKILL to what the child of that id has left.  False: nothing. */
bool leftover_kill(struct server *, uint64_t child);
/* None has more than GRACE_NS, or a moment, from now on. */
void leftovers_shorten(struct server *, uint64_t grace_ns);
/* Processes have been reaped: those of whom nothing is left are done with. */
void leftovers_check(struct server *);
/* SIGKILL to all of them. */
void leftovers_fini(struct server *);

#endif
