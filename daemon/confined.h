/*
 * confined: whether a peer's process may do less than a child of this daemon
 * could, by what /proc tells of both.
 */
#ifndef DAEMON_CONFINED_H
#define DAEMON_CONFINED_H

#include <sys/types.h>

#include "proto/err.h"

/*
 * 0, or -1 with E filled (denied): the process PID, whose pidfd is PIDFD, is in
 * another user or pid namespace than this one, has no_new_privs, or more
 * seccomp filters; or nobody can tell.
 */
int confined_check(pid_t pid, int pidfd, struct err *);

#endif
