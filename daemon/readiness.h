/*
 * readiness: when a child counts as started whose spawn waits for more than
 * that its user code runs: for a word of its own (`told` on its control
 * socket) or for READY=1 by sd_notify's protocol.  Owns the socket of the
 * latter, the status text that comes there, and the value that came with the
 * former.
 */
#ifndef DAEMON_READINESS_H
#define DAEMON_READINESS_H

#include <msgpack.h>
#include <stdbool.h>

#include "proto/err.h"
#include "proto/pack.h"
#include "proto/spawn.h"

struct child;
struct readiness;

/* Nothing where S waits for no more.  0, S->notify pointing to what C owns, or
 * -1 with E filled. */
int readiness_open(struct child *, struct spawn *s, struct err *);
/* Whether C has yet to say that it is ready. */
bool readiness_pending(const struct child *);
/* C's own word, PARAMS not trusted.  0, or -1 with E filled: it may not say
 * so. */
int readiness_told(struct child *, const msgpack_object *params, struct err *);
/* C has exited: reads what it said last. */
void readiness_drain(struct child *);
/* Nothing more is heard. */
void readiness_end(struct child *);
void readiness_free(struct child *);

/* Into an open map: of the spawn's result, and of `inspect`. */
void readiness_pack_result(const struct child *, msgpack_packer *,
    struct pack_map *);
void readiness_pack_inspect(const struct child *, msgpack_packer *,
    struct pack_map *);

#endif
