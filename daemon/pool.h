/*
 * pool: the standbys of a template: how many there shall be, when one is made,
 * when one goes.  Its target follows demand between the two marks of the
 * configuration: a spawn that finds none doubles it, a while in which some were
 * never needed lowers it.  It yields to spawns: one is made at a time, when none
 * waits for a fork.  A template that has no warm starts has no standbys.
 */
#ifndef DAEMON_POOL_H
#define DAEMON_POOL_H

#include <ev.h>
#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/standby.h"

struct child;
struct lane;
struct server;
struct zygote;

struct pool {
	struct server *srv;
	struct lane *lane;
	struct standby_list ready, others; /* others: MAKING, LEAVING */
	size_t nready, nmaking;
	size_t target;     /* so many shall be ready */
	size_t spare;      /* fewest that were ready since the last look */
	uint64_t asked_ns; /* when a spawn came last */
	unsigned failures; /* that were made and did not become ready, in a
			    * row */
	uint64_t retry_at;
	uint64_t taken, missed; /* spawns that found one, and not */
	uint64_t dropped;       /* for want of memory */
	uint64_t weighed_ns;    /* when it was last asked what one has */
	uint64_t private_kb;    /* what it had, 0: not known yet */
	ev_timer refill;
	ev_timer limit; /* of the one that is being made */
	ev_timer look;  /* whether fewer would do, and who is too old */
};

void pool_init(struct pool *, struct server *, struct lane *);
/* Frees all of it at the daemon's own end. */
void pool_fini(struct pool *);
/* The zygote is ready: standbys may be made. */
void pool_start(struct pool *);
/* The template's configuration is another one. */
void pool_configured(struct pool *);
/* Retires those that came from Z, which is ending. */
void pool_forget(struct pool *, const struct zygote *);
/* Z is over. */
void pool_orphan(struct pool *, const struct zygote *);
/* Retires all, at the daemon's drain. */
void pool_end(struct pool *);

/* Memory is scarce: there are none for now.  It is there again. */
void pool_scarce(struct pool *);
void pool_plenty(struct pool *);

/* A spawn: C, without a process, gets a standby's.  1, 0: none is there, or -1
 * with E filled. */
int pool_take(struct pool *, struct child *, struct err *);

/* What standby.c tells. */
void pool_making(struct pool *, struct standby *);
void pool_ready(struct pool *, struct standby *);
void pool_leaving(struct pool *, struct standby *);
/* It has ended by itself: HOW. */
void pool_lost(struct pool *, const struct standby *, const char *how);
void pool_left(struct pool *, struct standby *);

/* As few as there shall be. */
size_t pool_low(const struct pool *);
/* The map `standby` of `templates`. */
void pool_pack(const struct pool *, msgpack_packer *);
/* Whose pid is PID, reaped or not; NULL: none's. */
struct standby *pool_by_pid(struct pool *, pid_t pid);

#endif
