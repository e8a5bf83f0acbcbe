/*
 * pools: what all pools of standbys have in common: they are emptied where
 * memory is scarce, and their standbys are weighed.  Owns the two that tell of
 * it.
 */
#ifndef DAEMON_POOLS_H
#define DAEMON_POOLS_H

#include "daemon/pressure.h"
#include "daemon/weigher.h"
#include "proto/err.h"

struct pool;
struct server;
struct standby;

struct pools {
	struct pressure pressure;
	struct weigher weigher;
};

int pools_init(struct server *, struct err *);
void pools_fini(struct server *);

/* Has a standby that is ready weighed, unless one of its pool was just now. */
void pools_weigh(struct pool *, const struct standby *);

#endif
