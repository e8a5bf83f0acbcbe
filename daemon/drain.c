#include "daemon/drain.h"

#include "daemon/child_end.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/server.h"

#define OUTPUT_NS (2 * NS_PER_S) /* for clients to read what is left */

static const struct err draining = {
	.code = ERR_DRAINING,
	.msg = "the daemon is shutting down",
};

/* Also a detached one that was cancelled: nobody else would kill it. */
static bool
ends(const struct child *c)
{
	return c->owner != 0 || c->state == CHILD_CANCELLING ||
	    c->srv->cfg->server.drain_detached;
}

static bool
children_left(const struct server *srv)
{
	const struct children *cs = &srv->children;

	if (srv->cfg->server.drain_detached && children_live(srv) > 0)
		return true;
	/* Detached ones that are about to start are let to. */
	return cs->leased > 0 || cs->count[CHILD_QUEUED] > 0 ||
	    cs->count[CHILD_STARTING] > 0 || cs->count[CHILD_CANCELLING] > 0 ||
	    srv->standbys.n > 0 || srv->leftovers.n > 0;
}

static void
step(struct server *srv)
{
	struct drain *d = &srv->drain;

	switch (d->phase) {
	case DRAIN_NOT:
		break;
	case DRAIN_WAITING:
		if (children_live(srv) == 0)
			drain_begin(srv, false, 0);
		else
			notify_status(srv);
		break;
	case DRAIN_CHILDREN:
		if (children_left(srv))
			break;
		d->phase = DRAIN_ZYGOTES;
		ev_timer_stop(srv->loop, &d->deadline);
		templates_end(srv);
		[[fallthrough]];
	case DRAIN_ZYGOTES:
		if (!TAILQ_EMPTY(&srv->templates.zygotes))
			break;
		d->phase = DRAIN_OUTPUT;
		clock_arm(srv->loop, &d->deadline, OUTPUT_NS);
		[[fallthrough]];
	case DRAIN_OUTPUT:
		if (clients_pending(srv))
			break;
		d->phase = DRAIN_DONE;
		ev_break(srv->loop, EVBREAK_ALL);
		break;
	case DRAIN_DONE:
		break;
	}
}

static void
kill_rest(struct server *srv)
{
	struct child *c;
	struct walk w;

	walk_begin(&w, srv);
	while ((c = walk_next(&w)) != NULL)
		if (ends(c) || c->pid == 0)
			child_kill(c, &draining);
}

static void
out_of_time(struct server *srv)
{
	switch (srv->drain.phase) {
	case DRAIN_CHILDREN:
		log_warn("op=drain: out of time, killing who is left");
		kill_rest(srv);
		clock_arm(srv->loop, &srv->drain.deadline, OUTPUT_NS);
		if (!children_left(srv))
			break;
		/* A process that SIGKILL does not end is not waited for. */
		if (srv->drain.phase == DRAIN_CHILDREN)
			srv->drain.phase = DRAIN_ZYGOTES;
		templates_end(srv);
		break;
	case DRAIN_WAITING:
		log_warn("op=drain: out of time, ending %zu children",
		    children_live(srv));
		drain_begin(srv, false, 0);
		break;
	case DRAIN_NOT:
	case DRAIN_ZYGOTES:
	case DRAIN_OUTPUT:
	case DRAIN_DONE:
		srv->drain.phase = DRAIN_DONE;
		ev_break(srv->loop, EVBREAK_ALL);
		break;
	}
}

static void
step_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	step(w->data);
}

static void
deadline_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	out_of_time(w->data);
}

void
drain_init(struct server *srv)
{
	struct drain *d = &srv->drain;

	*d = (struct drain){ 0 };
	ev_init(&d->step, step_cb);
	ev_init(&d->deadline, deadline_cb);
	d->step.data = d->deadline.data = srv;
}

/* What both kinds begin with. */
static void
activate(struct server *srv)
{
	if (srv->drain.active)
		return;
	srv->drain.active = true;
	clients_tell_draining(srv);
	reloads_end(srv);
	templates_end_standbys(srv);
}

void
drain_wait(struct server *srv, bool has_timeout, uint64_t timeout_ns)
{
	struct drain *d = &srv->drain;

	if (d->phase > DRAIN_WAITING)
		return;
	log_info("op=drain children=%zu: waiting for them", children_live(srv));
	d->phase = DRAIN_WAITING;
	activate(srv);
	if (has_timeout)
		clock_arm(srv->loop, &d->deadline, timeout_ns);
	drain_check(srv);
}

void
drain_begin(struct server *srv, bool has_grace, uint64_t grace_ns)
{
	struct child *c;
	struct walk w;

	if (srv->drain.phase <= DRAIN_WAITING) {
		log_info("op=drain children=%zu leased=%zu", children_live(srv),
		    srv->children.leased);
		notify_stopping(srv);
		srv->drain.phase = DRAIN_CHILDREN;
		listener_close(srv);
		activate(srv);
		clock_arm(srv->loop, &srv->drain.deadline,
		    srv->cfg->server.drain_timeout_ns);
	}
	walk_begin(&w, srv);
	while ((c = walk_next(&w)) != NULL)
		if (ends(c) || c->state == CHILD_QUEUED)
			child_cancel(c, has_grace ? grace_ns : c->grace_ns,
			    &draining);
	if (has_grace)
		leftovers_shorten(srv, grace_ns);
	drain_check(srv);
}

void
drain_check(struct server *srv)
{
	/* From the loop: the caller may be inside the zygote that ends. */
	if (srv->drain.active && !ev_is_active(&srv->drain.step))
		clock_arm(srv->loop, &srv->drain.step, 0);
}

void
drain_now(struct server *srv)
{
	log_warn("op=drain: second signal, ending at once");
	kill_rest(srv);
	srv->drain.phase = DRAIN_DONE;
	ev_break(srv->loop, EVBREAK_ALL);
}
