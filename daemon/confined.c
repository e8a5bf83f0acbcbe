#include "daemon/confined.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/pidfd.h"
#include "daemon/process.h"

static int
denied(struct err *e, pid_t pid, const char *why)
{
	return err_set(e, ERR_DENIED,
	    "process %d %s: a child would be less confined "
	    "(server.allow_confined)",
	    (int)pid, why);
}

/* Whether PID is in the same namespace of that kind as this process. */
static bool
same_namespace(pid_t pid, const char *kind)
{
	struct stat mine, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (stat(path, &mine) == -1)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	return stat(path, &its) == 0 && mine.st_dev == its.st_dev &&
	    mine.st_ino == its.st_ino;
}

int
confined_check(pid_t pid, int pidfd, struct err *e)
{
	struct process_bounds mine, its;

	/* A namespace that is not below ours has no number for it here. */
	if (pid <= 0 || pidfd == -1)
		return denied(e, pid, "is in another pid namespace, or over");
	if (!process_bounds(getpid(), &mine) || !process_bounds(pid, &its))
		return errno != 0 ?
		    err_sys(e, errno, "look at process %d", (int)pid) :
		    denied(e, pid, "is over, or /proc does not show it");
	if (!same_namespace(pid, "user"))
		return denied(e, pid, "is in another user namespace");
	if (!same_namespace(pid, "pid"))
		return denied(e, pid, "is in another pid namespace");
	if (its.no_new_privs && !mine.no_new_privs)
		return denied(e, pid, "has no_new_privs");
	if (its.seccomp > mine.seccomp)
		return denied(e, pid, "is under seccomp");
	/* What was read was its own, as its number is not free yet. */
	if (pidfd_exited(pidfd))
		return denied(e, pid, "is over");
	return 0;
}
