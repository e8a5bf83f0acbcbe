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
/* Each has descriptors, and is looked at whenever a process is reaped. */
#define LEFTOVERS_MAX 1000

struct leftover {
	TAILQ_ENTRY(leftover) link;
	struct server *srv;
	uint64_t child;
	int pidfd; /* names the process group for as long as anybody is in it */
	char *cgroup; /* NULL: it had none */
	ev_timer timer;
	uint64_t at; /* when that is over */
};

void
leftovers_init(struct leftovers *ls)
{
	*ls = (struct leftovers){ 0 };
	TAILQ_INIT(&ls->list);
}

static void
leftover_free(struct leftover *l)
{
	struct server *srv = l->srv;

	ev_timer_stop(srv->loop, &l->timer);
	TAILQ_REMOVE(&srv->leftovers.list, l, link);
	srv->leftovers.n--;
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
strike(struct leftover *l)
{
	log_info("child=%ju op=kill: what it left", (uintmax_t)l->child);
	kill_rest(l->pidfd, l->cgroup);
	leftover_free(l);
}

static void
timer_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	strike(w->data);
}

static void
begin(struct leftover *l, uint64_t grace_ns)
{
	struct leftovers *ls = &l->srv->leftovers;

	if (ls->n >= LEFTOVERS_MAX)
		strike(TAILQ_FIRST(&ls->list));
	TAILQ_INSERT_TAIL(&ls->list, l, link);
	ls->n++;
	ev_init(&l->timer, timer_cb);
	l->timer.data = l;
	l->at = clock_ns() + grace_ns;
	clock_arm(l->srv->loop, &l->timer, grace_ns);
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
		begin(l, grace);
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

bool
leftover_kill(struct server *srv, uint64_t child)
{
	struct leftover *l;

	TAILQ_FOREACH(l, &srv->leftovers.list, link)
	if (l->child == child) {
		strike(l);
		return true;
	}
	return false;
}

void
leftovers_shorten(struct server *srv, uint64_t grace_ns)
{
	uint64_t grace = grace_ns > MOMENT_NS ? grace_ns : MOMENT_NS;
	uint64_t at = clock_ns() + grace;
	struct leftover *l;

	TAILQ_FOREACH(l, &srv->leftovers.list, link)
	if (l->at > at) {
		l->at = at;
		clock_arm(srv->loop, &l->timer, grace);
	}
}

void
leftovers_check(struct server *srv)
{
	struct leftover *l, *next;

	for (l = TAILQ_FIRST(&srv->leftovers.list); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (!anybody(l->pidfd, 0, l->cgroup))
			leftover_free(l);
	}
}

void
leftovers_fini(struct server *srv)
{
	struct leftover *l, *next;

	for (l = TAILQ_FIRST(&srv->leftovers.list); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		kill_rest(l->pidfd, l->cgroup);
		leftover_free(l);
	}
}
