/*
 * identity: who a client is, by what the kernel says of it; and whether it may
 * use this daemon.  Nothing that a client says changes the answer.
 */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

struct client;

/*
 * Fills uid, pid and pidfd of C, whose connection FD is.  0, or -1 with
 * C->refusal filled: another uid than the daemon's own, or no room.
 */
int identity_check(struct client *, int fd);

#endif
