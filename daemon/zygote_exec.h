/*
 * zygote_exec: starts the process of a zygote: what it inherits and what not.
 */
#ifndef DAEMON_ZYGOTE_EXEC_H
#define DAEMON_ZYGOTE_EXEC_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/err.h"

struct account;
struct limits;
struct server;

struct zygote_plan {
	const struct account *as; /* NULL: as the daemon itself */
	bool no_new_privs;
	const struct limits *raised; /* limits_raise_check has seen them */
	int sock;                    /* borrowed */
};

/*
 * Runs server.zygote with SOCK as its descriptor 3, /dev/null as its input, the
 * daemon's standard error as both outputs, nothing else open; in a session of
 * its own, with default signals and the limits of descriptors that the daemon
 * was started with.  AS another account: first as root, which gives up all that
 * it has and executes itself again (zygote/become.h), with what of the
 * environment is everybody's and /dev/null for all outputs.  The pid, or -1 with
 * E filled: also where the exec itself failed.
 */
pid_t zygote_exec(const struct server *, const struct zygote_plan *,
    struct err *);

#endif
