/*
 * identity: who a client is, by what the kernel says of it; and whether it may
 * use this daemon.  Nothing that a client says changes the answer.
 */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

struct client;

/*
 * Fills uid, pid and pidfd of C, whose connection FD is.  0, or -1 with
 * C->refusal filled: another uid than the daemon's own, or no room.
 */
int identity_check(struct client *, int fd);
/* Whether the children of OWNER are this client's affair: its own are, to
 * root and the daemon's own user all. */
bool identity_may_touch(const struct client *, uid_t owner);

#endif
