/*
 * reaper: the processes that are the daemon's own to wait for: its zygotes,
 * children whose zygote died, and strays (the daemon is a subreaper: whatever
 * loses its parent below it becomes its child).
 */
#ifndef DAEMON_REAPER_H
#define DAEMON_REAPER_H

#include <ev.h>
#include <stdint.h>

#include "proto/err.h"

struct server;

struct reaper {
	ev_signal chld;
	uint64_t strays; /* reaped, and nobody's */
};

/* Becomes a subreaper and hears SIGCHLD. */
int reaper_init(struct server *, struct err *);
void reaper_fini(struct server *);
/* Waits for all that has ended. */
void reaper_run(struct server *);

#endif
