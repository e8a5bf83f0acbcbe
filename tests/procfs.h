/*
 * procfs: what /proc tells a test of processes.
 */
#ifndef TESTS_PROCFS_H
#define TESTS_PROCFS_H

#include <sys/types.h>

/* Open descriptors, resident KB, minor faults so far, state letter of a process
 * ('?': there is none). */
int fd_count(pid_t);
long rss_kb(pid_t);
long fault_count(pid_t);
char process_state(pid_t);
/* Waits until PID is gone or a zombie that is not ours to reap. */
void process_gone(pid_t);
/* Waits until PID is nobody's. */
void process_reaped(pid_t);
/* Waits until PID waits for something. */
void process_asleep(pid_t);
/* The living processes that PARENT has forked, at most MAX. */
unsigned process_kids(pid_t parent, pid_t *pids, unsigned max);

#endif
