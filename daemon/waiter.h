/*
 * waiter: an unanswered `wait`, for one child or several: its places at those
 * children, the records of those that have ended meanwhile, its time limit.
 * Names its connection by id.
 */
#ifndef DAEMON_WAITER_H
#define DAEMON_WAITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/err.h"

struct child;
struct request;
struct server;
struct waiter;

#define WAITER_MAX 16384 /* children that the waits of one connection are for */

enum waiter_mode {
	WAITER_ONE, /* the answer is that child's record */
	WAITER_ALL,
	WAITER_ANY,
};

/* Where a waiter stands in the line of one child. */
struct waiter_place {
	TAILQ_ENTRY(waiter_place) link;
	struct waiter *waiter;
	uint64_t child;
	bool taken; /* the child has not ended */
};

TAILQ_HEAD(waiter_line, waiter_place); /* of a child, as they came */
LIST_HEAD(waiter_list, waiter);        /* of all children */

/* For at most N children.  NULL with E filled. */
struct waiter *waiter_new(const struct request *, enum waiter_mode, size_t n,
    struct err *e);
/* C is one of them. */
void waiter_add(struct waiter *, struct child *);
/* All are there: answers at once where there is nothing to wait for, else at
 * their ends or, where HAS_TIMEOUT, after TIMEOUT_NS.  Takes W. */
void waiter_begin(struct waiter *w, bool has_timeout, uint64_t timeout_ns);
/* In place of waiter_begin. */
void waiter_free(struct waiter *);

/* C has ended. */
void waiter_child_over(struct child *);
/* C is given up for WHY: it never ran, and has no record. */
void waiter_child_dropped(struct child *, const struct err *why);
/* Those of one connection, without an answer. */
void waiter_client_gone(struct server *, uint64_t conn);
/* All of them, at the daemon's own end. */
void waiter_fini(struct server *);

#endif
