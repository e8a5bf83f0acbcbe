/*
 * admission: whether there is room for one more, in all and of what one uid may
 * take.  What all together have exhausted is `busy`, one's own share `limit`;
 * both errors say which resource that is, and when it is worth another try.
 * Root and the daemon's own user have no share: for them all there is counts.
 */
#ifndef DAEMON_ADMISSION_H
#define DAEMON_ADMISSION_H

#include "proto/err.h"

struct client;
struct request;
struct server;
struct spawn;

/* Each returns 0, or -1 with E filled. */
int admission_client(const struct client *, struct err *);
/* The request that came last, which is counted. */
int admission_request(const struct client *, struct err *);
/* A spawn counts for its rate from then on. */
int admission_spawn(const struct request *, const struct spawn *,
    struct err *e);
/* What the connection buffers may stay. */
int admission_bytes(const struct client *, struct err *);
/* Makes of E, whose message says so, that all together have exhausted RESOURCE,
 * a literal.  Returns -1. */
int admission_busy(struct err *e, const char *resource);

#endif
