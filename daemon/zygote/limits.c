#include "daemon/zygote/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/cpus.h"

/* The kernel silently leaves out CPUs that are not there, or that a cpuset does
 * not allow. */
static int
apply_cpus(const struct limits *l, struct err *e)
{
	char text[LIMITS_TEXT];
	cpu_set_t got;

	if (sched_setaffinity(0, sizeof(l->cpus), &l->cpus) == -1)
		return err_sys(e, errno, "run on the CPUs %s",
		    cpus_format(&l->cpus, text, 256));
	if (sched_getaffinity(0, sizeof(got), &got) == -1)
		return err_sys(e, errno, "ask for the CPUs");
	if (CPU_EQUAL(&got, &l->cpus))
		return 0;
	CPU_XOR(&got, &got, &l->cpus);
	return err_sys(e, EINVAL, "run on the CPUs %s",
	    cpus_format(&got, text, 256));
}

static int
apply_oom(const struct limits *l, struct err *e)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	bool written = fd != -1 && dprintf(fd, "%d", l->oom_score_adj) > 0;
	int saved = errno;

	if (fd != -1)
		close(fd);
	return written ?
	    0 :
	    err_sys(e, saved, "set oom_score_adj to %d", l->oom_score_adj);
}

static int
apply_rlimits(const struct limits *l, const char **what, struct err *e)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if ((l->rlimits & 1u << i) == 0 ||
		    setrlimit(i, &l->rlimit[i]) == 0)
			continue;
		*what = limit_resource_name(i);
		return err_sys(e, errno, "limit \"%s\" to %ju:%ju", *what,
		    (uintmax_t)l->rlimit[i].rlim_cur,
		    (uintmax_t)l->rlimit[i].rlim_max);
	}
	return 0;
}

int
limits_apply(const struct limits *l, const char **what, struct err *e)
{
	*what = limit_name(LIMIT_CPUS);
	if (limits_have(l, LIMIT_CPUS) && apply_cpus(l, e) == -1)
		return -1;
	*what = limit_name(LIMIT_NICE);
	if (limits_have(l, LIMIT_NICE) &&
	    setpriority(PRIO_PROCESS, 0, l->nice) == -1)
		return err_sys(e, errno, "set the niceness to %d", l->nice);
	*what = limit_name(LIMIT_OOM_SCORE_ADJ);
	if (limits_have(l, LIMIT_OOM_SCORE_ADJ) && apply_oom(l, e) == -1)
		return -1;
	return apply_rlimits(l, what, e);
}
