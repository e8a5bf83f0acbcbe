/*
 * server: the daemon as a whole: its loop and the collections that the other
 * files own one by one.  Passed by pointer; there is no global one.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/cgroup.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/config.h"
#include "daemon/drain.h"
#include "daemon/events.h"
#include "daemon/gather.h"
#include "daemon/guests.h"
#include "daemon/latency.h"
#include "daemon/leftover.h"
#include "daemon/listener.h"
#include "daemon/notify.h"
#include "daemon/orphan.h"
#include "daemon/own_limits.h"
#include "daemon/pools.h"
#include "daemon/reaper.h"
#include "daemon/refusals.h"
#include "daemon/reload.h"
#include "daemon/templates.h"
#include "daemon/users.h"

struct server {
	struct ev_loop *loop; /* its own, never libev's default one,
					 * which would reap every child */
	ev_async nudge;
	struct config *cfg; /* in force; what is in it may go with a reload */
	char instance[33];  /* random, in hex */
	uint64_t started_ns;
	uid_t uid;
	struct guests guests;
	struct refusals refusals;
	struct own_limits limits;
	struct listener listener;
	struct users users;
	struct clients clients;
	struct children children;
	struct latency latency;
	struct templates templates;
	struct gather gather;
	struct reloads reloads;
	struct pools pools;
	struct table standbys; /* all that are not over, by order */
	struct reaper reaper;
	struct cgroups cgroups;
	struct leftovers leftovers;
	struct orphans orphans; /* while a zygote's end is dealt with */
	struct drain drain;
	struct notify notify;
	struct events events;
	int ready_fd; /* of --ready-fd, or -1 */
	bool ready;   /* listening, auto templates settled */
};

/* Makes the loop and all that hangs on it, and starts to listen.  Borrows CFG,
 * and where it comes from. */
int server_init(struct server *, struct config *cfg,
    const struct config_source *, int ready_fd, struct err *);
/* Runs until the drain is over.  Returns the exit status. */
int server_run(struct server *);
/* Whatever is left, at the end. */
void server_fini(struct server *);
/* Called when an auto template is ready or has failed: tells --ready-fd and
 * systemd once all of them are. */
void server_check_ready(struct server *);

#endif
