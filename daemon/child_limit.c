#include "daemon/child_limit.h"

#include "daemon/child_end.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"

static void
too_late(struct child *c)
{
	struct err why;

	err_set(&why, ERR_TIMEOUT, "the child %s within %g s",
	    c->at.noticed == 0 ? "has not started" : "was not ready",
	    (double)c->start_timeout_ns / NS_PER_S);
	/* A queued one is answered, and freed, by the kill. */
	if (c->state != CHILD_QUEUED)
		spawn_reply_err(c, &why);
	child_kill(c, &why);
}

static void
limit_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	static const struct err why = { .code = ERR_TIMEOUT,
		.msg = "its time is over" };
	struct child *c = w->data;

	(void)loop;
	(void)events;
	log_info("child=%ju pid=%d op=timeout", (uintmax_t)c->id, (int)c->pid);
	c->timed_out = true;
	if (c->succeeded)
		child_cancel(c, c->grace_ns, &why);
	else
		too_late(c);
}

void
child_limit_init(struct child *c)
{
	ev_init(&c->limit_timer, limit_cb);
	c->limit_timer.data = c;
}

void
child_limit_fini(struct child *c)
{
	ev_timer_stop(c->srv->loop, &c->limit_timer);
}

void
child_limit_start(struct child *c)
{
	if (c->start_timeout_ns != 0)
		clock_arm(c->srv->loop, &c->limit_timer, c->start_timeout_ns);
}

void
child_limit_started(struct child *c)
{
	child_limit_fini(c);
	/* Its answer may be read after the word of its end. */
	if (c->timeout_ns != 0 && !c->reaped)
		clock_arm(c->srv->loop, &c->limit_timer, c->timeout_ns);
}
