/*
 * gather: the lanes in which somebody is to be forked, until the end of the
 * loop's turn: who has asked for a child in one turn is ordered in one message.
 * Nobody waits for it, as all that a turn has to do is here when it begins.
 */
#ifndef DAEMON_GATHER_H
#define DAEMON_GATHER_H

#include <ev.h>
#include <sys/queue.h>

struct lane;
struct server;

struct gather {
	ev_prepare end; /* active while there are any */
	TAILQ_HEAD(, lane) lanes;
};

void gather_init(struct server *);
void gather_fini(struct server *);
/* Has it served at the end of this turn. */
void gather_lane(struct lane *);
/* It is to be freed. */
void gather_forget(struct lane *);

#endif
