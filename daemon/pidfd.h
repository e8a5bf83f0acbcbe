/*
 * pidfd: what the daemon does to processes by descriptor, never by number.
 * Thin wrappers; each returns as the system call does, with errno.
 */
#ifndef DAEMON_PIDFD_H
#define DAEMON_PIDFD_H

#include <stdbool.h>
#include <sys/types.h>

/* CLOEXEC, or -1. */
int pidfd_of(pid_t pid);
/* pidfd of the process that opened the peer of socket FD (SO_PEERPIDFD of
 * Linux 6.5, else by its number PID), or -1. */
int pidfd_of_peer(int fd, pid_t pid);
int pidfd_signal(int pidfd, int sig);
/* To the process group that the process leads or, reaped, has led: a group keeps
 * its number for as long as anybody is in it (Linux 6.9, else EINVAL; ESRCH
 * where nobody is). */
int pidfd_signal_group(int pidfd, int sig);
/* Whether the process is over, reaped or not. */
bool pidfd_exited(int pidfd);
/* Wait status of a process that somebody else has reaped (Linux 6.15).  0, or
 * -1 where the kernel does not tell. */
int pidfd_status(int pidfd, int *status);

#endif
