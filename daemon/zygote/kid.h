/*
 * kid: a child as its zygote sees it, from the fork until it is reaped.  Owns
 * the pidfd and its place in the zygote's epoll set.
 */
#ifndef ZYGOTE_KID_H
#define ZYGOTE_KID_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "proto/err.h"

struct kid {
	LIST_ENTRY(kid) link;
	uint64_t order;    /* its number; 0: of nobody's */
	bool leased;       /* ends with the daemon */
	uint64_t grace_ns; /* of a leased one */
	pid_t pid;
	int pidfd; /* in the epoll set, with the struct as its data */
};

/* All that are not reaped. */
LIST_HEAD(kids, kid);

/* Watches PID, just forked by this process.  Returns a struct that kid_reap
 * frees, or NULL with E filled; then PID is killed and reaped. */
struct kid *kid_new(struct kids *, int epfd, uint64_t order, pid_t pid,
    struct err *e);

/* An order of the daemon's: a child of KIDS is leased from now on, or is not.
 * One that has ended meanwhile is not there. */
void kid_lease(struct kids *, const msgpack_object *params);

/* 1 with *STATUS and *RU as of wait4(2), K's pidfd closed: the caller frees K.
 * 0 when it has not ended. */
int kid_reap(int epfd, struct kid *k, int *status, struct rusage *ru);

#endif
