/*
 * kid: a child as its zygote sees it, from the fork until it is reaped.  Owns
 * the pidfd and its place in the zygote's epoll set.
 */
#ifndef ZYGOTE_KID_H
#define ZYGOTE_KID_H

#include <msgpack.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "daemon/zygote/order.h"
#include "proto/err.h"

struct kid {
	LIST_ENTRY(kid) link;
	struct order order; /* that it was forked for */
	pid_t pid;
	int pidfd; /* in the epoll set, with the struct as its data */
};

/* All that are not reaped. */
LIST_HEAD(kids, kid);

/* Watches PID, just forked by this process.  Takes what is in ORDER.  NULL with
 * E filled; then PID is killed and reaped, and nothing is taken. */
struct kid *kid_new(struct kids *, int epfd, struct order *, pid_t pid,
    struct err *e);

/* An order of the daemon's: a child is leased from now on, or is not.  One of
 * NEW, whose lease was not known so far, moves to KIDS.  One that has ended
 * meanwhile is not there. */
void kid_lease(struct kids *new, struct kids *kids,
    const msgpack_object *params);

/* 1 with *STATUS and *RU as of wait4(2), K's pidfd closed: the caller frees K.
 * 0 when it has not ended. */
int kid_reap(int epfd, struct kid *k, int *status, struct rusage *ru);
/* SIGKILL to K, to its process group, and to all in its control group.  Before
 * it is reaped, so that its number is its own. */
void kid_kill(const struct kid *);
void kid_free(struct kid *);

#endif
