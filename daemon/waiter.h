/*
 * waiter: an unanswered `wait` for one child.  Names its connection by id.
 */
#ifndef DAEMON_WAITER_H
#define DAEMON_WAITER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

struct child;
struct request;

#define WAITER_MAX 4096 /* of one connection */

/* 0, or -1 with E filled.  The answer comes at the child's end or, where
 * HAS_TIMEOUT, after TIMEOUT_NS. */
int waiter_add(struct child *, const struct request *, bool has_timeout,
    uint64_t timeout_ns, struct err *);
void waiter_answer_all(struct child *);
void waiter_fail_all(struct child *, const struct err *);
/* Those of one connection, without an answer. */
void waiter_forget(struct child *, uint64_t conn);
void waiter_forget_all(struct child *);

#endif
