#include "daemon/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/leftover.h"
#include "daemon/log.h"
#include "daemon/server.h"

static void
chld_cb(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)loop;
	(void)events;
	reaper_run(w->data);
}

int
reaper_init(struct server *srv, struct err *e)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		return err_sys(e, errno, "become a subreaper");
	ev_signal_init(&srv->reaper.chld, chld_cb, SIGCHLD);
	srv->reaper.chld.data = srv;
	ev_signal_start(srv->loop, &srv->reaper.chld);
	return 0;
}

void
reaper_fini(struct server *srv)
{
	ev_signal_stop(srv->loop, &srv->reaper.chld);
}

static uint64_t
ns_of(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * NS_PER_S + (uint64_t)tv.tv_usec * 1000;
}

static void
reaped(struct server *srv, pid_t pid, int status, const struct rusage *ru)
{
	struct child_usage u = {
		.utime_ns = ns_of(ru->ru_utime),
		.stime_ns = ns_of(ru->ru_stime),
		.maxrss_kb = ru->ru_maxrss,
		.minflt = ru->ru_minflt,
		.majflt = ru->ru_majflt,
	};
	struct child *c = table_get(&srv->children.by_pid, pid);
	struct standby *sb;

	if (c != NULL) {
		child_reaped(c, status, &u);
		return;
	}
	sb = templates_standby_by_pid(srv, pid);
	if (sb != NULL) {
		standby_reaped(sb, status);
		return;
	}
	srv->reaper.strays++;
	log_debug("pid=%d op=stray status=%#x", (int)pid, (unsigned)status);
}

static struct zygote *
zygote_by_pid(struct server *srv, pid_t pid)
{
	struct zygote *z;

	TAILQ_FOREACH(z, &srv->templates.zygotes, link)
	if (z->pid == pid)
		return z;
	return NULL;
}

void
reaper_run(struct server *srv)
{
	struct rusage ru;
	struct zygote *z;
	int status;
	pid_t pid;

	/* A dead zygote comes before its orphans: the kernel appends those to
	 * the list that it searches.  So its last words have told their pids
	 * by the time that they are found. */
	while ((pid = wait4(-1, &status, WNOHANG, &ru)) > 0) {
		z = zygote_by_pid(srv, pid);
		if (z != NULL)
			zygote_over(z, status);
		else if (!reload_reaped(srv, pid, status))
			reaped(srv, pid, status, &ru);
	}
	leftovers_check(srv);
}
