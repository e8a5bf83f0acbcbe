/*
 * users: how much of the daemon each uid takes.  Owns the counts; whether there
 * is room for more is admission's affair.  A user is there as long as a client
 * or a child of his is, and until his spawns are no longer counted.
 */
#ifndef DAEMON_USERS_H
#define DAEMON_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "daemon/table.h"
#include "proto/err.h"

struct child;
struct server;

struct user {
	LIST_ENTRY(user) link;
	uid_t uid;
	bool guest;    /* neither root nor the daemon's own: has a share only */
	unsigned refs; /* clients and children */
	size_t clients;       /* those that were not refused */
	size_t children;      /* live ones */
	size_t starting;      /* of these, queued or ordered */
	size_t requests;      /* that are not answered */
	uint64_t bytes;       /* that his connections buffer */
	uint64_t spawn_bytes; /* of jobs not read, and of captures */
	uint64_t spawns_ns;   /* when the rate of his spawns is as if none had
			       * been */
};

struct users {
	LIST_HEAD(, user) list;
	struct table by_uid; /* by uid + 1 */
	size_t requests;
	uint64_t bytes;
	uint64_t spawns_ns;
};

void users_fini(struct users *);
/* That of UID, with one more reference.  NULL with E filled: no memory. */
struct user *user_of(struct server *, uid_t, struct err *);
struct user *user_ref(struct user *);
/* One reference less; U may be NULL. */
void user_drop(struct server *, struct user *);

/* C, just made and queued, is a live child of U's; goes from its state to S; is
 * live no more. */
void user_child_joins(struct child *, struct user *);
void user_child_moves(struct child *, int s);
void user_child_leaves(struct child *);

#endif
