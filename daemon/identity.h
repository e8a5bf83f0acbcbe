/*
 * identity: who a client is, by what the kernel says of it; whether it may use
 * this daemon, and what of it.  Nothing that a client says changes the answer.
 */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/err.h"

struct client;

/*
 * Fills account, pid and pidfd of C, whose connection FD is.  0, or -1 with
 * C->refusal filled: the configuration names it not, or it is confined, or there
 * is no room.
 */
int identity_check(struct client *, int fd);
/* Whether the children of OWNER are this client's affair: its own are, to
 * root and the daemon's own user all. */
bool identity_may_touch(const struct client *, uid_t owner);
/* Whether the daemon itself is: root's and the daemon's own user's. */
bool identity_rules(const struct client *);
/* 0, or -1 with E filled and logged: the client may not call METHOD. */
int identity_must_rule(const struct client *, const char *method,
    struct err *e);

#endif
