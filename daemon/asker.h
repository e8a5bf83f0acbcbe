/*
 * asker: who is owed the answer to a spawn that is in flight: the connection
 * that asked for the child, and those that asked for the same one after it.
 * Owns the list, not the answers, which are spawn_reply's.
 */
#ifndef DAEMON_ASKER_H
#define DAEMON_ASKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/err.h"

struct child;
struct request;

#define ASKERS_MAX 64 /* of one child */

struct asker {
	STAILQ_ENTRY(asker) link;
	uint64_t conn;
	uint32_t request;
	bool want_pidfd;
	bool gone; /* it hears the answer perhaps, but holds nothing */
};

STAILQ_HEAD(askers, asker); /* of a child, in the order of their requests */

/* 0, or -1 with E filled. */
int asker_add(struct child *, const struct request *, bool want_pidfd,
    struct err *);
/* The connection has ended. */
void asker_client_gone(struct child *, uint64_t conn);
/* Whether any is there that can be told. */
bool asker_waits(const struct child *);
/* Takes the first out.  NULL: there is none.  The caller asker_frees it. */
struct asker *asker_take(struct child *);
void asker_free(struct asker *);
void asker_fini(struct child *);

#endif
