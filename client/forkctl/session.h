/*
 * session: forkctl while a child runs in its stead.  Owns the spawn call, what
 * is known of the child, and the loop between daemon, signals and terminals;
 * jobs are stopped and continued here.
 */
#ifndef FORKCTL_SESSION_H
#define FORKCTL_SESSION_H

#include "client/forkctl/program.h"

/* Runs P to its end and returns the exit status.  FS is borrowed. */
int session_run(struct context *, struct forkserver *fs,
    const struct program *p);

#endif
