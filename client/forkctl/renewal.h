/*
 * renewal: what is told of a template's generation, in one line.
 * Owns nothing.
 */
#ifndef FORKCTL_RENEWAL_H
#define FORKCTL_RENEWAL_H

#include <msgpack.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/map.h"

/* "template=NAME", and " uid=1000" where it is not our own, of a map that tells of
 * the template; no line break. */
void renewal_tell_whose(FILE *, const msgpack_object *of);
/* ... and then " gen=5 failed: MESSAGE (KEY); gen 4 serves", ERROR being the error
 * map and SERVES 0 where none does. */
void renewal_tell_failed(FILE *, const msgpack_object *of, uint64_t generation,
    const msgpack_object *error, uint64_t serves);

#endif
