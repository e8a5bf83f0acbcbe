/*
 * outcome: what became of a child's code, as the child says it: result or
 * exception.  Kept as raw bytes for the exit record, which record packs.
 */
#ifndef DAEMON_OUTCOME_H
#define DAEMON_OUTCOME_H

#include <msgpack.h>

#include "proto/err.h"

struct child;

/* The params of `done`.  0, or -1 with E filled: they break the protocol. */
int outcome_take(struct child *, const msgpack_object *params, struct err *);

#endif
