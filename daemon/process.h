/*
 * process: what /proc tells of a process that does not answer.  A pid may be
 * another's by now: what is found is for people and never acted on by signals.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* What the kernel keeps it from, which it can never shake off. */
struct process_bounds {
	bool no_new_privs;
	unsigned long seccomp; /* filters; ULONG_MAX: the strict mode */
};

/* False: it is not there, or /proc does not show it, and errno is 0; or there is
 * nothing to look with, as errno says. */
bool process_bounds(pid_t, struct process_bounds *);
/* Its hard limits, by resource.  False and errno as above. */
bool process_hard_limits(pid_t, rlim_t hard[RLIM_NLIMITS]);
/* Whether it has the capability now; false also as above. */
bool process_capable(pid_t, int capability);
/* Stopped by a signal or a debugger. */
bool process_stopped(pid_t);
/* Why it does not take RESERVED_SIGNAL; a static text. */
const char *process_why_deaf(pid_t);

#endif
