/*
 * renewal: what is told of a template's generation that failed, in one line.
 * Owns nothing.
 */
#ifndef FORKCTL_RENEWAL_H
#define FORKCTL_RENEWAL_H

#include <msgpack.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/map.h"

/* "template=NAME gen=5 failed: MESSAGE (KEY); gen 4 serves", ERROR being the
 * error map and SERVES 0 where none does; no line break. */
void renewal_tell_failed(FILE *, struct bytes name, uint64_t generation,
    const msgpack_object *error, uint64_t serves);

#endif
