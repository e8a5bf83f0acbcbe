/*
 * child: a forked process from its birth to its end.  Runs in the only thread
 * of the child, which was the zygote's worker.
 */
#ifndef ZYGOTE_CHILD_H
#define ZYGOTE_CHILD_H

#include <sys/types.h>

#include "daemon/zygote/template.h"
#include "proto/err.h"

enum child_kind {
	CHILD_JOB,     /* its job is on the control socket, or soon */
	CHILD_STANDBY, /* primes itself, says that it is ready, waits for a job */
	CHILD_CANARY, /* tries its interpreter, says what is wrong, exits as of
			* canary.h */
	CHILD_REHEARSAL, /* its job there, from nobody: see rehearsal.h */
};

/*
 * Forks a child of T, in the worker thread, while the zygote's main thread is
 * parked.  CONTROL: the child's end of its control socket, still the caller's
 * in the zygote; of a canary, the memfd for its words.  NULL_FD: open on
 * /dev/null.  CGROUP: the folder of the control group that it enters, or NULL;
 * PROCS: as of cgroup_enter.
 * Returns the pid, or -1 with E filled.
 */
pid_t child_fork(struct template *t, enum child_kind, int control, int null_fd,
    const char *cgroup, int procs, struct err *e);

#endif
