/*
 * cgroup: the control group that a child lives in.  The daemon makes and
 * removes it; these are what is done to it from this side.
 */
#ifndef ZYGOTE_CGROUP_H
#define ZYGOTE_CGROUP_H

#include "proto/err.h"

/*
 * Moves this process into the group whose folder PATH is, by PROCS, open on its
 * cgroup.procs by one who may write there, or -1.  0, or -1 with E filled.
 *
 * A move costs the kernel's time to wait until no process forks.  clone3's
 * CLONE_INTO_CGROUP would not, but glibc's fork cannot be told to; and a fork
 * without what glibc does (the handlers of pthread_atfork, which OpenBLAS and
 * others live by, and the thread's id that it keeps) is no fork for us.
 */
int cgroup_enter(const char *path, int procs, struct err *);
/* SIGKILL to all that is in it. */
void cgroup_kill(const char *path);

#endif
