/*
 * standby: a process that was forked ahead of its job and waits for it on its
 * control socket, which the daemon holds.  Owns the process as the daemon
 * sees it, until a child takes it over.  How many there are is pool's affair.
 */
#ifndef DAEMON_STANDBY_H
#define DAEMON_STANDBY_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "proto/err.h"
#include "proto/stream.h"

struct child;
struct pool;
struct server;
struct zygote;

enum standby_state {
	STANDBY_MAKING,  /* ordered; not both forked and ready, as told */
	STANDBY_READY,   /* waits for a job */
	STANDBY_LEAVING, /* killed, or told to end: not reaped yet */
};

struct standby {
	TAILQ_ENTRY(standby) link; /* of its pool's, in order of READY */
	struct pool *pool;
	struct zygote *zygote; /* NULL after its end: LEAVING */
	enum standby_state state;
	uint64_t order; /* to fork: its number */
	uint64_t since; /* when it was ordered; when it was ready */
	bool told;      /* it has said that it is ready */
	pid_t pid;      /* 0 before the zygote's word of the fork */
	int pidfd;
	int child_end; /* of the control socket: so that a job nobody
			 * reads can go to another process */
	char *cgroup;  /* NULL: it has none */
	struct stream st;
	ev_io rd;
};

TAILQ_HEAD(standby_list, standby);

/* Orders one from Z for POOL.  NULL with E filled. */
struct standby *standby_order(struct pool *, struct zygote *, struct err *);
/* That of an order, NULL: it is none's. */
struct standby *standby_find(struct server *, uint64_t order);

/* What the zygote says. */
void standby_forked(struct standby *, pid_t, int pidfd);
/* It was reaped, or could not be forked for the reason E.  SB is freed. */
void standby_reaped(struct standby *, int status);
void standby_not_forked(struct standby *, const struct err *e);
/* Its zygote is over.  May free SB. */
void standby_orphaned(struct standby *);

/* It is not wanted any more: SIGKILL, as it runs nobody's code. */
void standby_retire(struct standby *);
/* Forgets it. */
void standby_over(struct standby *);
/*
 * C, which is queued and has no process yet, gets SB's, with its socket, and is
 * starting.  SB is freed.  -1 with E filled: SB is as it was.
 */
int standby_hand(struct standby *, struct child *, struct err *);

#endif
