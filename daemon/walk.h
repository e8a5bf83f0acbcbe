/*
 * walk: the way through the live children of one who ends children on it.  The
 * end of one may be that of others: queued ones go with who asked for them.  A
 * walk does not meet those that have gone by then.
 */
#ifndef DAEMON_WALK_H
#define DAEMON_WALK_H

#include <sys/queue.h>

struct child;
struct server;

struct walk {
	LIST_ENTRY(walk) link;
	struct server *srv;
	struct child *next;
};

LIST_HEAD(walks, walk);

void walk_begin(struct walk *, struct server *);
/* The next child, by id.  NULL: there is none, and the walk is over; it must
 * come to that. */
struct child *walk_next(struct walk *);
/* C is about to leave the live ones. */
void walk_leaves(struct child *);

#endif
