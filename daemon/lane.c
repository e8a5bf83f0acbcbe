#include "daemon/lane.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/child_end.h"
#include "daemon/clock.h"
#include "daemon/gather.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "daemon/zygote_orders.h"
#include "proto/orders.h"

/* Orders that a zygote has before it at most.  It needs never wait for the next
 * one, and what it has cannot be taken in turn any more.  So many are left when
 * it gets more, which then are several in one message. */
#define FORKING_MAX ORDERS_MAX
#define FORKING_LOW (FORKING_MAX / 2)
#define RETRY_FIRST_NS (NS_PER_S / 10)
#define RETRY_MAX_NS (30 * NS_PER_S)
/* A zygote that was ready and dies sooner than this is no better than one
 * that fails to start, once it has happened EARLY_DEATHS times in a row. */
#define EARLY_NS NS_PER_S
#define EARLY_DEATHS 3

const char *
lane_name(const struct lane *l)
{
	return l == NULL || l->kind == ZYGOTE_WARM ? "warm" : "cold";
}

enum lane_state
lane_state(const struct lane *l)
{
	if (l->z != NULL)
		return l->z->state == ZYGOTE_READY ? LANE_READY : LANE_STARTING;
	return l->failures > 0 ? LANE_FAILED : LANE_IDLE;
}

uint64_t
lane_retry_ns(const struct lane *l)
{
	uint64_t now = clock_ns();

	return l->retry_at > now ? l->retry_at - now : 0;
}

static void
retry_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	lane_start(w->data);
}

void
lane_init(struct lane *l, struct template *t, enum zygote_kind kind)
{
	*l = (struct lane){ .t = t, .kind = kind };
	TAILQ_INIT(&l->queue);
	ev_init(&l->retry, retry_cb);
	l->retry.data = l;
}

void
lane_fini(struct lane *l)
{
	ev_timer_stop(l->t->srv->loop, &l->retry);
	gather_forget(l);
	failure_fini(&l->fail);
}

void
lane_no_warm(const struct template *t, struct failure *f)
{
	err_set(&f->err, ERR_TEMPLATE_FAILED,
	    "template \"%s\" has cold "
	    "starts only: %s",
	    template_name(t),
	    t->reason != NULL ? t->reason : "it cannot be adopted");
}

void
lane_refuse(struct child *c, const struct failure *f)
{
	spawn_reply_template_failed(c, f,
	    c->lane != NULL ? lane_retry_ns(c->lane) : 0);
	child_drop(c);
}

static void
refuse_gone(struct child *c)
{
	static const struct err gone = {
		.code = ERR_UNKNOWN_TEMPLATE,
		.msg = "its template has been removed",
	};

	spawn_reply_err(c, &gone);
	child_drop(c);
}

void
lane_leave(struct child *c)
{
	/* One that was refused before it was queued is in no line. */
	if (c->line.tqe_prev != NULL)
		TAILQ_REMOVE(&c->lane->queue, c, line);
	c->line.tqe_prev = NULL;
}

/* The round in which C has its turn: behind the last one of its uid. */
static uint64_t
round_for(const struct lane *l, const struct child *c)
{
	const struct child *other;

	TAILQ_FOREACH_REVERSE(other, &l->queue, child_list, line)
	if (other->uid == c->uid)
		return other->round + 1;
	return l->round + 1;
}

/* Of each uid one has its turn, then of each another: who asks for many waits
 * for himself. */
static void
enqueue(struct lane *l, struct child *c)
{
	struct child *before;

	c->lane = l;
	c->round = round_for(l, c);
	TAILQ_FOREACH_REVERSE(before, &l->queue, child_list, line)
	if (before->round <= c->round)
		break;
	if (before != NULL)
		TAILQ_INSERT_AFTER(&l->queue, before, c, line);
	else
		TAILQ_INSERT_HEAD(&l->queue, c, line);
}

void
lane_again(struct child *c)
{
	enqueue(c->lane, c);
}

/* A try has failed: everybody who waits hears why. */
static void
lane_failed(struct lane *l, uint64_t generation)
{
	struct server *srv = l->t->srv;
	uint64_t wait = RETRY_FIRST_NS;
	struct child *c;

	for (unsigned i = 0; i < l->failures && wait < RETRY_MAX_NS; i++)
		wait *= 2;
	if (wait > RETRY_MAX_NS)
		wait = RETRY_MAX_NS;
	l->failures++;
	l->retry_at = clock_ns() + wait;
	log_error("template=%s kind=%s op=fail failures=%u retry_ms=%ju: %s",
	    template_name(l->t), lane_name(l), l->failures,
	    (uintmax_t)(wait / 1000000), l->fail.err.msg);
	if (l->t->cfg->start == START_AUTO && !srv->drain.active && !l->t->gone)
		clock_arm(srv->loop, &l->retry, wait);
	while ((c = TAILQ_FIRST(&l->queue)) != NULL)
		lane_refuse(c, &l->fail);
	events_template(l->t);
	reload_told(l->t, generation, &l->fail);
	server_check_ready(srv);
}

void
lane_start(struct lane *l)
{
	struct template *t = l->t;
	struct err e;

	ev_timer_stop(t->srv->loop, &l->retry);
	if (l->z != NULL || t->srv->drain.active || t->gone)
		return;
	l->z = zygote_start(l, t->cfg, ++t->generation, &e);
	if (l->z != NULL) {
		events_template(t);
		return;
	}
	failure_fini(&l->fail);
	l->fail.err = e;
	l->fail.err.code = ERR_TEMPLATE_FAILED;
	lane_failed(l, t->generation);
}

void
lane_submit(struct lane *l, struct child *c)
{
	c->lane = l;
	if (l->t->gone) {
		refuse_gone(c);
		return;
	}
	if (l->z == NULL && l->failures > 0 && lane_retry_ns(l) > 0) {
		lane_refuse(c, &l->fail);
		return;
	}
	enqueue(l, c);
	if (l->z == NULL)
		lane_start(l); /* may refuse C at once */
	else
		gather_lane(l);
}

static bool
can_fork(const struct lane *l)
{
	return l->z != NULL && l->z->state == ZYGOTE_READY &&
	    l->z->forking <= FORKING_LOW;
}

void
lane_serve(struct lane *l)
{
	struct child *cs[FORKING_MAX], *c;

	/* Again where one was refused, which took nobody's place. */
	while (can_fork(l) && !TAILQ_EMPTY(&l->queue)) {
		unsigned n = 0;

		while (l->z->forking + n < FORKING_MAX &&
		    (c = TAILQ_FIRST(&l->queue)) != NULL) {
			l->round = c->round;
			lane_leave(c);
			cs[n++] = c;
		}
		zygote_fork(l->z, cs, n);
	}
}

void
lane_turn_cold(struct template *t)
{
	struct failure f = { 0 };
	struct child *c;

	lane_no_warm(t, &f);
	while ((c = TAILQ_FIRST(&t->warm.queue)) != NULL) {
		if (c->want == SPAWN_WARM) {
			lane_refuse(c, &f);
			continue;
		}
		lane_leave(c);
		enqueue(&t->cold, c);
	}
}

/* The warm zygote found that it cannot adopt: a cold one takes its place. */
static void
turn_cold(struct lane *warm)
{
	struct template *t = warm->t;
	struct zygote *z = warm->z;

	log_warn("template=%s op=cold: %s", template_name(t),
	    t->reason != NULL ? t->reason : "no reason given");
	warm->z = NULL;
	zygote_retire(z);
	lane_turn_cold(t);
	lane_start(&t->cold);
	lane_serve(&t->cold);
}

void
lane_renew(struct lane *l, struct zygote *z)
{
	struct zygote *old = l->z;

	ev_timer_stop(l->t->srv->loop, &l->retry);
	failure_fini(&l->fail);
	l->failures = l->early_deaths = 0;
	l->retry_at = 0;
	l->z = z;
	if (old != NULL)
		zygote_let_go(old);
	if (z == NULL && !TAILQ_EMPTY(&l->queue))
		lane_start(l);
	else
		lane_serve(l);
}

void
lane_end(struct lane *l)
{
	struct zygote *z = l->z;
	struct child *c;

	ev_timer_stop(l->t->srv->loop, &l->retry);
	l->z = NULL;
	while ((c = TAILQ_FIRST(&l->queue)) != NULL)
		refuse_gone(c);
	if (z != NULL)
		zygote_let_go(z);
}

void
lane_ready(struct lane *l, struct zygote *z)
{
	struct template *t = l->t;

	if (z == t->renewal.z) {
		renewal_ready(t);
		return;
	}
	l->failures = 0;
	failure_fini(&l->fail);
	if (l->kind == ZYGOTE_WARM) {
		t->way = l->z->way;
		t->way_known = true;
		free(t->reason);
		t->reason = l->z->reason != NULL ? strdup(l->z->reason) : NULL;
	}
	log_info("template=%s kind=%s pid=%d generation=%ju way=%s op=ready",
	    template_name(t), lane_name(l), (int)l->z->pid,
	    (uintmax_t)l->z->generation, zygote_way_name(l->z->way));
	if (l->kind == ZYGOTE_WARM && t->way == ZYGOTE_UNPROMOTED &&
	    t->cfg->promote)
		log_warn("template=%s op=unpromoted: %s", template_name(t),
		    t->reason != NULL ? t->reason : "no reason given");
	if (l->kind == ZYGOTE_WARM && t->way == ZYGOTE_ADOPTS_NOT) {
		turn_cold(l);
	} else {
		lane_serve(l);
		reload_told(t, z->generation, NULL);
	}
	if (l == &t->warm && lane_state(l) == LANE_READY)
		pool_start(&t->pool);
	events_template(t);
	server_check_ready(t->srv);
}

void
lane_over(struct lane *l, const struct zygote *z, uint64_t lived_ns,
    struct failure *f)
{
	bool was_ready = z->was_ready;

	if (z == l->t->renewal.z) {
		renewal_over(l->t, f);
		return;
	}
	if (z != l->z) { /* it served no more */
		failure_fini(f);
		lane_serve(l); /* whom it had not forked yet */
		if (l->z == NULL && !TAILQ_EMPTY(&l->queue))
			lane_start(l);
		return;
	}
	l->z = NULL;
	failure_fini(&l->fail);
	l->fail = *f;
	l->early_deaths = was_ready && lived_ns < EARLY_NS ?
	    l->early_deaths + 1 :
	    0;
	if (l->t->srv->drain.active || !was_ready ||
	    l->early_deaths >= EARLY_DEATHS) {
		lane_failed(l, z->generation);
		return;
	}
	log_warn("template=%s kind=%s op=restart: %s", template_name(l->t),
	    lane_name(l), f->err.msg);
	failure_fini(&l->fail);
	lane_start(l);
}
