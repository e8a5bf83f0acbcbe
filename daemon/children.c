#include "daemon/children.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/capture.h"
#include "daemon/child_ctl.h"
#include "daemon/child_end.h"
#include "daemon/child_limit.h"
#include "daemon/child_make.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/events.h"
#include "daemon/lane.h"
#include "daemon/leftover.h"
#include "daemon/lease.h"
#include "daemon/log.h"
#include "daemon/pidfd.h"
#include "daemon/readiness.h"
#include "daemon/rebirth.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "daemon/templates.h"
#include "daemon/tenants.h"

void
children_init(struct server *srv)
{
	srv->children = (struct children){ 0 };
	TAILQ_INIT(&srv->children.live);
	TAILQ_INIT(&srv->children.ended);
	TAILQ_INIT(&srv->children.dumps);
	LIST_INIT(&srv->children.waiters);
	LIST_INIT(&srv->children.walks);
	tokens_init(&srv->children.tokens);
}

size_t
children_live(const struct server *srv)
{
	size_t n = 0;

	for (int s = CHILD_QUEUED; s < CHILD_ENDED; s++)
		n += srv->children.count[s];
	return n;
}

struct child *
child_find(struct server *srv, uint64_t id)
{
	return table_get(&srv->children.by_id, id);
}

const char *
child_state_name(enum child_state s)
{
	switch (s) {
	case CHILD_QUEUED:
		return "queued";
	case CHILD_STARTING:
		return "starting";
	case CHILD_RUNNING:
		return "running";
	case CHILD_CANCELLING:
		return "cancelling";
	case CHILD_ENDED:
		return "ended";
	}
	return "";
}

const char *
child_start_name(const struct child *c)
{
	return c->standby ? "standby" : lane_name(c->lane);
}

void
child_set_state(struct child *c, enum child_state s)
{
	struct children *cs = &c->srv->children;

	user_child_moves(c, s);
	cs->count[c->state]--;
	cs->count[s]++;
	c->state = s;
}

static void
forget_order(struct child *c)
{
	if (c->order != 0)
		table_del(&c->srv->children.by_order, c->order);
	c->order = 0;
}

int
child_number(struct child *c, uint64_t number)
{
	struct children *cs = &c->srv->children;

	forget_order(c);
	if (number == 0)
		number = ++cs->last_order;
	if (table_put(&cs->by_order, number, c) == -1)
		return -1;
	c->order = number;
	return 0;
}

static void
leave_live(struct child *c)
{
	walk_leaves(c);
	user_child_leaves(c);
	TAILQ_REMOVE(&c->srv->children.live, c, link);
	tenant_used(c->templ);
}

/* Takes C out of all that knows it, and frees it. */
static void
child_free(struct child *c)
{
	struct children *cs = &c->srv->children;

	child_end_fini(c);
	child_limit_fini(c);
	hang_fini(c);
	dump_forget(c);
	child_ctl_close(c);
	capture_free(c);
	readiness_free(c);
	tree_leave(c);
	forget_order(c);
	asker_fini(c);
	token_drop(c);
	table_del(&cs->by_id, c->id);
	cs->count[c->state]--;
	zygote_unbind(&c->zygote);
	cgroup_remove(c->srv, c->cgroup);
	if (c->pidfd != -1)
		close(c->pidfd);
	if (c->child_end != -1)
		close(c->child_end);
	template_drop(c->templ);
	user_drop(c->srv, c->user);
	child_unmake(c);
}

struct child *
child_new(const struct request *rq, const struct spawn *s, struct template *t,
    struct err *e)
{
	struct children *cs = &rq->srv->children;
	struct child *c = child_make(rq, s, t, e);

	if (c == NULL)
		return NULL;
	c->id = cs->last_id + 1;
	if (tree_cookie(c, e) == -1 || asker_add(c, rq, s->pidfd, e) == -1 ||
	    table_reserve(&cs->by_pid, children_live(rq->srv) + 1) == -1 ||
	    table_put(&cs->by_id, c->id, c) == -1) {
		err_memory(e, "a child");
		asker_fini(c);
		child_unmake(c);
		return NULL;
	}
	cs->last_id++;
	template_use(t);
	user_child_joins(c, rq->client->user);
	tenant_used(t);
	tree_join(c, rq->client);
	TAILQ_INSERT_TAIL(&cs->live, c, link);
	cs->count[CHILD_QUEUED]++;
	lease_begin(c, s->detached ? NULL : rq->client);
	child_limit_start(c);
	return c;
}

void
child_drop(struct child *c)
{
	static const struct err gone = {
		.code = ERR_CHILD_DIED,
		.msg = "the child was dropped before it was forked",
	};
	struct server *srv = c->srv;

	if (c->state == CHILD_QUEUED)
		lane_leave(c);
	waiter_child_dropped(c, &gone);
	lease_end(c);
	leave_live(c);
	child_free(c);
	drain_check(srv);
}

/* What the record of C holds, once it has ended. */
static size_t
record_bytes(const struct child *c)
{
	return c->outcome_raw.size + c->hang.raw.size +
	    capture_size(c->capture);
}

void
child_forget(struct child *c)
{
	struct children *cs = &c->srv->children;

	TAILQ_REMOVE(&cs->ended, c, link);
	cs->record_bytes -= record_bytes(c);
	token_child_forgotten(c);
	child_free(c);
}

void
child_forked(struct child *c, pid_t pid, int pidfd, uint64_t time_ns)
{
	uint64_t now = clock_ns();

	c->pid = pid;
	c->pidfd = pidfd;
	close(c->child_end);
	c->child_end = -1;
	tree_forked(c);
	c->at.forked = time_ns >= c->at.ordered && time_ns <= now ? time_ns :
								    now;
	if (c->killed) {
		pidfd_signal(pidfd, SIGKILL);
		return;
	}
	/* The child's answer may have come before the zygote's word. */
	if (c->at.noticed != 0)
		spawn_reply_started(c);
}

/* Exit records are bounded in number and in bytes; the oldest go first. */
static void
make_room(struct server *srv)
{
	struct children *cs = &srv->children;
	struct child *old, *next;

	for (old = TAILQ_FIRST(&cs->ended); old != NULL &&
	    (cs->count[CHILD_ENDED] > srv->cfg->server.records ||
		cs->record_bytes > CHILD_OUTCOMES_MAX);
	    old = next) {
		next = TAILQ_NEXT(old, link);
		child_forget(old);
	}
}

void
child_over(struct child *c)
{
	struct server *srv = c->srv;
	struct children *cs = &srv->children;

	if (!c->reaped || c->state == CHILD_ENDED)
		return;
	child_ctl_drain(c);
	child_ctl_close(c);
	hang_fini(c);
	dump_end_all(c);
	readiness_drain(c);
	readiness_end(c);
	c->at.end = clock_ns();
	if (c->pidfd != -1)
		close(c->pidfd);
	if (c->child_end != -1)
		close(c->child_end);
	c->pidfd = c->child_end = -1;
	zygote_unbind(&c->zygote);
	forget_order(c);
	child_set_state(c, CHILD_ENDED);
	lease_end(c);
	leave_live(c);
	TAILQ_INSERT_TAIL(&cs->ended, c, link);
	capture_end(c);
	cs->record_bytes += record_bytes(c);
	log_debug("child=%ju pid=%d op=over status=%#x", (uintmax_t)c->id,
	    (int)c->pid, (unsigned)c->status);
	if (!c->answered)
		spawn_reply_died(c);
	token_child_over(c);
	waiter_child_over(c);
	if (c->owner != 0 && c->succeeded)
		record_tell(c, c->owner);
	if (c->succeeded)
		events_exited(c);
	tree_over(c);
	make_room(srv);
	drain_check(srv);
}

void
child_reaped(struct child *c, int status, const struct child_usage *usage)
{
	if (c->reaped || rebirth_from_standby(c))
		return;
	c->reaped = true;
	tree_unforked(c);
	c->status = status;
	c->has_usage = usage != NULL;
	if (usage != NULL)
		c->usage = *usage;
	leftover_of(c);
	child_end_fini(c);
	child_limit_fini(c);
	if (capture_drain(c))
		child_over(c);
}

void
children_client_gone(struct server *srv, uint64_t conn)
{
	struct child *c;

	TAILQ_FOREACH(c, &srv->children.live, link)
	asker_client_gone(c, conn);
	waiter_client_gone(srv, conn);
	dump_client_gone(srv, conn);
	tree_client_gone(srv, conn);
}

void
children_fini(struct server *srv)
{
	struct children *cs = &srv->children;
	struct child *c, *next;

	waiter_fini(srv);
	for (c = TAILQ_FIRST(&cs->live); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->killed)
			leftover_now(c);
		child_free(c);
	}
	for (c = TAILQ_FIRST(&cs->ended); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		child_free(c);
	}
	tokens_fini(&cs->tokens);
	table_fini(&cs->by_id);
	table_fini(&cs->by_pid);
	table_fini(&cs->by_order);
}
