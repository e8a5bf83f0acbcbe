#include "daemon/leftover.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/cgroup.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/pidfd.h"
#include "daemon/server.h"

#define MOMENT_NS (NS_PER_S / 2)

struct leftover {
	LIST_ENTRY(leftover) link;
	struct server *srv;
	uint64_t child;
	int pidfd; /* names the process group for as long as anybody is in it */
	char *cgroup; /* NULL: it had none */
	ev_timer timer;
};

static void
leftover_free(struct leftover *l)
{
	struct server *srv = l->srv;

	ev_timer_stop(srv->loop, &l->timer);
	LIST_REMOVE(l, link);
	if (l->pidfd != -1)
		close(l->pidfd);
	cgroup_remove(srv, l->cgroup);
	free(l);
	drain_check(srv);
}

static void
kill_rest(int pidfd, const char *cgroup)
{
	if (pidfd != -1)
		pidfd_signal_group(pidfd, SIGKILL);
	cgroup_kill(cgroup);
}

static void
timer_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct leftover *l = w->data;

	(void)loop;
	(void)events;
	log_info("child=%ju op=kill: what it left", (uintmax_t)l->child);
	kill_rest(l->pidfd, l->cgroup);
	leftover_free(l);
}

/* Whether anybody is there, who gets SIG then. */
static bool
anybody(int pidfd, int sig, const char *cgroup)
{
	return (pidfd != -1 && pidfd_signal_group(pidfd, sig) == 0) ||
	    cgroup_populated(cgroup);
}

void
leftover_of(struct child *c)
{
	uint64_t now = clock_ns(), grace = MOMENT_NS;
	struct leftover *l = NULL;
	bool rest = (c->cancelled || c->killed) &&
	    anybody(c->pidfd, SIGTERM, c->cgroup);
	int pidfd = -1;

	if (c->kill_at > now + grace)
		grace = c->kill_at - now;
	if (rest)
		pidfd = fcntl(c->pidfd, F_DUPFD_CLOEXEC, 3);
	if (pidfd != -1)
		l = calloc(1, sizeof(*l));
	if (l != NULL) {
		*l = (struct leftover){ .srv = c->srv,
			.child = c->id,
			.pidfd = pidfd,
			.cgroup = c->cgroup };
		ev_init(&l->timer, timer_cb);
		l->timer.data = l;
		LIST_INSERT_HEAD(&c->srv->leftovers, l, link);
		clock_arm(c->srv->loop, &l->timer, grace);
	} else {
		if (pidfd != -1)
			close(pidfd);
		if (rest)
			kill_rest(c->pidfd, c->cgroup);
		cgroup_remove(c->srv, c->cgroup);
	}
	c->cgroup = NULL;
}

void
leftover_now(const struct child *c)
{
	kill_rest(c->pidfd, c->cgroup);
}

void
leftovers_check(struct server *srv)
{
	struct leftover *l, *next;

	for (l = LIST_FIRST(&srv->leftovers); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		if (!anybody(l->pidfd, 0, l->cgroup))
			leftover_free(l);
	}
}

void
leftovers_fini(struct server *srv)
{
	struct leftover *l;

	while ((l = LIST_FIRST(&srv->leftovers)) != NULL) {
		kill_rest(l->pidfd, l->cgroup);
		leftover_free(l);
	}
}
