/*
 * zygote_exec: starts the process of a zygote: what it inherits and what not.
 */
#ifndef DAEMON_ZYGOTE_EXEC_H
#define DAEMON_ZYGOTE_EXEC_H

#include <sys/types.h>

#include "proto/err.h"

struct server;

/*
 * Runs server.zygote with SOCK as its descriptor 3, /dev/null as its input, the
 * daemon's standard error as both outputs, nothing else open; in a session of
 * its own, with default signals and the limits of descriptors that the daemon
 * was started with.  Borrows SOCK.  The pid, or -1 with E filled: also where
 * the exec itself failed.
 */
pid_t zygote_exec(const struct server *, int sock, struct err *);

#endif
