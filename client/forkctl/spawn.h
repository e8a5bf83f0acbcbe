/*
 * spawn: a child that goes on by itself, as `spawn` and `run --detach` start
 * one.  Owns nothing.
 */
#ifndef FORKCTL_SPAWN_H
#define FORKCTL_SPAWN_H

#include "client/forkctl/program.h"

/* Waits until user code is about to run, and prints the child's id.  The exit
 * status. */
int spawn_detached(struct context *, struct forkserver *,
    const struct program *);

#endif
