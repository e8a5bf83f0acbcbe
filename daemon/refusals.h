/*
 * refusals: the log of what peers were refused because of who they are, and of
 * connections for which there was no room.  Who tries again and again fills no
 * disk: beyond some lines in a while only their number is told.
 */
#ifndef DAEMON_REFUSALS_H
#define DAEMON_REFUSALS_H

#include <ev.h>

struct client;
struct server;

struct refusals {
	ev_timer window; /* runs since the first of those that are counted */
	unsigned told, held;
};

void refusals_init(struct server *);
void refusals_fini(struct server *);
/* C was refused WHAT ("connect", a method), for the reason WHY. */
void refusals_log(const struct client *, const char *what, const char *why);

#endif
