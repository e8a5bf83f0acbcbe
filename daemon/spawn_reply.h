/*
 * spawn_reply: the one answer that each `spawn` gets.  Every function answers
 * at most once a child, and drops what comes after that.
 */
#ifndef DAEMON_SPAWN_REPLY_H
#define DAEMON_SPAWN_REPLY_H

#include <msgpack.h>
#include <stdbool.h>

#include "proto/err.h"

struct child;
struct failure;
struct request;

/* User code is about to run.  Answers when the zygote's `forked`, the child's
 * own word and, where the spawn waits for that, its readiness are here,
 * whichever comes last. */
void spawn_reply_started(struct child *);
/* Packs the result of a spawn, as it is without a pidfd. */
void spawn_reply_pack(const struct child *, msgpack_packer *);
/* The same result, later, to REQ, which asks for a child that has started: it
 * carries a pidfd where WANT_PIDFD and it lives. */
void spawn_reply_again(const struct child *, const struct request *,
    bool want_pidfd);
/* The child refused its job: ERROR is its error map, not trusted. */
void spawn_reply_job_error(struct child *, const msgpack_object *error);
/* It ended before it had started. */
void spawn_reply_died(struct child *);
void spawn_reply_err(struct child *, const struct err *);
/* Its template cannot be made; RETRY_NS until the next try. */
void spawn_reply_template_failed(struct child *, const struct failure *,
    uint64_t retry_ns);

#endif
