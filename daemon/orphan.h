/*
 * orphan: finds the children whose zygote died between the fork and the word of
 * it.  Such a process would run its job unknown to anybody.  Owns what one look
 * at /proc has found.
 */
#ifndef DAEMON_ORPHAN_H
#define DAEMON_ORPHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct orphan;
struct server;

/* All zero at first. */
struct orphans {
	struct orphan *v; /* by socket */
	size_t n, max;
	bool looked;
};

/*
 * The child process of this one (as a subreaper it has inherited those of the
 * dead zygote) that holds the socket of which END is a descriptor, or 0.  The
 * first call reads /proc, for milliseconds; others, until orphans_forget, find
 * in that.
 */
pid_t orphan_find(struct server *, int end);
void orphans_forget(struct orphans *);

#endif
