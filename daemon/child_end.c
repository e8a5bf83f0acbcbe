#include "daemon/child_end.h"

#include <errno.h>
#include <signal.h>

#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/exhausted.h"
#include "daemon/log.h"
#include "daemon/pidfd.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"

static void
kill_now(struct child *c)
{
	child_end_fini(c);
	if (c->reaped)
		return;
	c->killed = true;
	if (c->pidfd == -1)
		return; /* child_forked does it */
	log_info("child=%ju pid=%d op=kill", (uintmax_t)c->id, (int)c->pid);
	/* Not to its group, yet: leftover.h. */
	if (pidfd_signal(c->pidfd, SIGKILL) == -1 && errno != ESRCH)
		log_error("child=%ju pid=%d op=kill: %s", (uintmax_t)c->id,
		    (int)c->pid, strerrordesc_np(errno));
}

static void
kill_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	kill_now(w->data);
}

void
child_end_init(struct child *c)
{
	ev_init(&c->kill_timer, kill_cb);
	c->kill_timer.data = c;
}

void
child_end_fini(struct child *c)
{
	ev_timer_stop(c->srv->loop, &c->kill_timer);
	c->kill_at = 0;
}

void
child_kill_after(struct child *c, uint64_t grace_ns)
{
	uint64_t at = clock_ns() + grace_ns;

	if (c->reaped || c->killed || (c->kill_at != 0 && c->kill_at <= at))
		return;
	c->kill_at = at;
	clock_arm(c->srv->loop, &c->kill_timer, grace_ns);
}

static void
drop_queued(struct child *c, const struct err *why)
{
	spawn_reply_err(c, why);
	child_drop(c);
}

void
child_cancel(struct child *c, uint64_t grace_ns, const struct err *why)
{
	if (c->reaped)
		return; /* over as soon as its output is read */
	switch (c->state) {
	case CHILD_QUEUED:
		drop_queued(c, why);
		return;
	case CHILD_STARTING:
	case CHILD_RUNNING:
		c->cancelled = true;
		child_set_state(c, CHILD_CANCELLING);
		break;
	case CHILD_CANCELLING:
		break;
	case CHILD_ENDED:
		return;
	}
	log_debug("child=%ju pid=%d op=cancel grace_ns=%ju", (uintmax_t)c->id,
	    (int)c->pid, (uintmax_t)grace_ns);
	/* What the child has become does not know of us: the signal that ends
	 * any program is left. */
	if (child_ctl_tell(c, CHILD_CANCEL, grace_ns) == -1 && c->pidfd != -1)
		pidfd_signal(c->pidfd, SIGTERM);
	child_kill_after(c, grace_ns);
}

void
child_kill(struct child *c, const struct err *why)
{
	if (c->state == CHILD_QUEUED)
		drop_queued(c, why);
	else
		kill_now(c);
}

void
child_unheard(struct child *c)
{
	struct err e;

	exhausted_watches(&e);
	log_warn("child=%ju pid=%d op=kill: %s", (uintmax_t)c->id, (int)c->pid,
	    e.msg);
	spawn_reply_err(c, &e);
	child_kill(c, &e);
}

int
child_signal(struct child *c, int sig, struct err *e)
{
	if (c->reaped)
		return err_set(e, ERR_NOT_RUNNING, "child %ju has ended",
		    (uintmax_t)c->id);
	if (c->pidfd == -1)
		return err_set(e, ERR_BUSY, "child %ju is not forked yet",
		    (uintmax_t)c->id);
	if (pidfd_signal(c->pidfd, sig) == 0)
		return 0;
	if (errno == ESRCH)
		return err_set(e, ERR_NOT_RUNNING, "child %ju has ended",
		    (uintmax_t)c->id);
	return err_sys(e, errno, "signal %d to child %ju", sig,
	    (uintmax_t)c->id);
}
