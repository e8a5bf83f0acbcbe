/*
 * guests: who beside the daemon's own user may use it, as the configuration
 * names them.  Owns their numbers.
 */
#ifndef DAEMON_GUESTS_H
#define DAEMON_GUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/account.h"
#include "proto/err.h"

struct config_server;

struct guests {
	bool all;
	uid_t *uids;
	gid_t *gids;
	size_t nuids, ngids;
};

/* Reads server.allow_users and server.allow_groups, whose names are looked up
 * in the user database: that may take its time.  0, or -1 with E naming the
 * element; to be freed in both cases. */
int guests_init(struct guests *, const struct config_server *, struct err *);
void guests_fini(struct guests *);
/* Whether there are any. */
bool guests_any(const struct guests *);
bool guests_has(const struct guests *, const struct account *);

#endif
