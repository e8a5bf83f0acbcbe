/*
 * dump: a look into a child that may hang, while it is in flight: asked of the
 * child's Python, then of its signal handler, answered in bounded time with
 * what could be had and why the rest could not.  Owns who is owed the answer;
 * what the child says is not trusted.
 */
#ifndef DAEMON_DUMP_H
#define DAEMON_DUMP_H

#include <msgpack.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/err.h"

struct child;
struct dump;
struct request;
struct server;

TAILQ_HEAD(dump_list, dump); /* of all children, as they came */

#define DUMP_MAX 16 /* of one child at a time */
#define DUMP_DEFAULT_NS UINT64_C(2000000000)
#define DUMP_MAX_NS UINT64_C(60000000000)

/* Begins one for REQ, which is answered within TIMEOUT_NS.  0, or -1 with E
 * filled. */
int dump_begin(struct child *, const struct request *, uint64_t timeout_ns,
    struct err *);
/* The same for the child's own record: its result is hang's. */
void dump_for_hang(struct child *);

/* What the child says: `looked`, `stacks` and `pong`.  0, or -1 with E
 * filled: it broke the protocol. */
int dump_looked(struct child *, const msgpack_object *params, struct err *);
int dump_stacks(struct child *, const msgpack_object *params, struct err *);
int dump_pong(struct child *, const msgpack_object *params, struct err *);

/* The child has ended. */
void dump_end_all(struct child *);
/* Those of one connection, or of a child, without an answer. */
void dump_client_gone(struct server *, uint64_t conn);
void dump_forget(struct child *);

#endif
