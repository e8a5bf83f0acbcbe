#include "daemon/pool.h"

#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/lane.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/templates.h"

#define IDLE_NS (2 * NS_PER_S / 1000) /* without a spawn, before one is made */
#define LOOK_NS (5 * NS_PER_S)
#define RETRY_FIRST_NS (NS_PER_S / 10)
#define RETRY_MAX_NS (30 * NS_PER_S)
/* One that was ready and dies sooner has failed. */
#define EARLY_NS NS_PER_S

static const struct config_template *
config_of(const struct pool *p)
{
	return p->lane->t->cfg;
}

size_t
pool_low(const struct pool *p)
{
	const struct config_template *c = config_of(p);

	return c->standby_min < c->standby_max ? c->standby_min :
						 c->standby_max;
}

static bool
wanted(const struct pool *p)
{
	const struct server *srv = p->srv;

	return lane_state(p->lane) == LANE_READY && !srv->drain.active &&
	    !srv->pools.pressure.high && p->nready + p->nmaking < p->target &&
	    srv->standbys.n < srv->cfg->server.max_standbys;
}

/* How long spawns, or a failure, still come first. */
static uint64_t
yields_ns(const struct pool *p)
{
	uint64_t now = clock_ns();

	if (p->retry_at > now)
		return p->retry_at - now;
	if (!TAILQ_EMPTY(&p->lane->queue) || p->lane->z->forking > 0)
		return IDLE_NS;
	return p->asked_ns + IDLE_NS > now ? p->asked_ns + IDLE_NS - now : 0;
}

/* Sees to it that the next one is made, if one is wanted. */
static void
plan(struct pool *p)
{
	if (p->nmaking == 0 && wanted(p) && !ev_is_active(&p->refill))
		clock_arm(p->srv->loop, &p->refill, yields_ns(p));
}

static void
plan_look(struct pool *p)
{
	uint64_t age = config_of(p)->standby_age_ns, now = clock_ns();
	uint64_t ns = p->target > pool_low(p) || p->failures > 0 ? LOOK_NS :
								   UINT64_MAX;
	const struct standby *oldest = TAILQ_FIRST(&p->ready);

	if (age > 0 && oldest != NULL) {
		uint64_t over = oldest->since + age;
		uint64_t left = over > now ? over - now : 0;

		ns = left < ns ? left : ns;
	}
	if (ns != UINT64_MAX)
		clock_arm(p->srv->loop, &p->look, ns);
}

static void
failed(struct pool *p, const char *how)
{
	uint64_t wait = RETRY_FIRST_NS;

	for (unsigned i = 0; i < p->failures && wait < RETRY_MAX_NS; i++)
		wait *= 2;
	if (wait > RETRY_MAX_NS)
		wait = RETRY_MAX_NS;
	p->failures++;
	p->retry_at = clock_ns() + wait;
	log_warn("template=%s op=standby failures=%u retry_ms=%ju: %s",
	    template_name(p->lane->t), p->failures, (uintmax_t)(wait / 1000000),
	    how);
}

static void
make_one(struct pool *p)
{
	struct err e;

	if (standby_order(p, p->lane->z, &e) == NULL) {
		failed(p, e.msg);
		plan(p);
		return;
	}
	if (config_of(p)->canary_ns > 0)
		clock_arm(p->srv->loop, &p->limit, config_of(p)->canary_ns);
}

static void
refill_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct pool *p = w->data;

	(void)loop;
	(void)events;
	if (p->nmaking > 0 || !wanted(p))
		return;
	if (yields_ns(p) > 0)
		plan(p);
	else
		make_one(p);
}

static void
limit_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct pool *p = w->data;
	struct standby *sb, *next;

	(void)loop;
	(void)events;
	for (sb = TAILQ_FIRST(&p->others); sb != NULL; sb = next) {
		next = TAILQ_NEXT(sb, link);
		if (sb->state != STANDBY_MAKING)
			continue;
		failed(p, "one was not ready in time");
		standby_retire(sb);
	}
	plan(p);
}

static void
trim(struct pool *p)
{
	while (p->nready > p->target)
		standby_retire(TAILQ_FIRST(&p->ready));
}

/* Half of those that were never needed are too many. */
static void
look_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct pool *p = w->data;
	struct standby *oldest = TAILQ_FIRST(&p->ready), *newest;
	uint64_t age = config_of(p)->standby_age_ns;

	(void)loop;
	(void)events;
	if (p->target > pool_low(p))
		p->target -= (p->spare + 1) / 2;
	if (p->target < pool_low(p))
		p->target = pool_low(p);
	trim(p);
	p->spare = p->nready;
	newest = TAILQ_LAST(&p->ready, standby_list);
	if (newest != NULL && clock_ns() - newest->since >= EARLY_NS)
		p->failures = 0;
	if (age > 0 && oldest != NULL && oldest == TAILQ_FIRST(&p->ready) &&
	    clock_ns() - oldest->since >= age)
		standby_retire(oldest);
	plan(p);
	plan_look(p);
}

void
pool_init(struct pool *p, struct server *srv, struct lane *l)
{
	*p = (struct pool){ .srv = srv, .lane = l };
	TAILQ_INIT(&p->ready);
	TAILQ_INIT(&p->others);
	ev_init(&p->refill, refill_cb);
	ev_init(&p->look, look_cb);
	ev_init(&p->limit, limit_cb);
	p->refill.data = p->look.data = p->limit.data = p;
}

static void
stop(struct pool *p)
{
	ev_timer_stop(p->srv->loop, &p->refill);
	ev_timer_stop(p->srv->loop, &p->look);
	ev_timer_stop(p->srv->loop, &p->limit);
}

void
pool_fini(struct pool *p)
{
	struct standby *sb;

	while ((sb = TAILQ_FIRST(&p->ready)) != NULL)
		standby_over(sb);
	while ((sb = TAILQ_FIRST(&p->others)) != NULL)
		standby_over(sb);
	stop(p);
}

void
pool_configured(struct pool *p)
{
	size_t max = config_of(p)->standby_max;

	if (p->target > max)
		p->target = max;
	if (p->target < pool_low(p))
		p->target = pool_low(p);
	trim(p);
	plan(p);
	if (!ev_is_active(&p->look))
		plan_look(p);
}

void
pool_start(struct pool *p)
{
	p->failures = 0;
	p->retry_at = 0;
	pool_configured(p);
}

/* Calls FN for each that Z has made, NULL: for all. */
static void
each(struct pool *p, const struct zygote *z, void (*fn)(struct standby *))
{
	struct standby_list *lists[] = { &p->ready, &p->others };
	struct standby *sb, *next;

	for (int i = 0; i < 2; i++)
		for (sb = TAILQ_FIRST(lists[i]); sb != NULL; sb = next) {
			next = TAILQ_NEXT(sb, link);
			if (z == NULL || sb->zygote == z)
				fn(sb);
		}
}

void
pool_forget(struct pool *p, const struct zygote *z)
{
	each(p, z, standby_retire);
}

void
pool_orphan(struct pool *p, const struct zygote *z)
{
	each(p, z, standby_orphaned);
}

void
pool_end(struct pool *p)
{
	stop(p);
	each(p, NULL, standby_retire);
}

void
pool_scarce(struct pool *p)
{
	p->dropped += p->nready;
	p->target = pool_low(p);
	each(p, NULL, standby_retire);
}

void
pool_plenty(struct pool *p)
{
	plan(p);
}

struct standby *
pool_by_pid(struct pool *p, pid_t pid)
{
	struct standby_list *lists[] = { &p->ready, &p->others };
	struct standby *sb;

	for (int i = 0; i < 2; i++)
		TAILQ_FOREACH(sb, lists[i], link)
	if (sb->pid == pid)
		return sb;
	return NULL;
}

/* None was there: more will be, as long as this goes on. */
static void
missed(struct pool *p)
{
	size_t max = config_of(p)->standby_max;

	p->missed++;
	p->spare = 0;
	if (p->target >= max || p->srv->pools.pressure.high)
		return;
	p->target = p->target == 0 ? 1 : p->target * 2;
	if (p->target > max)
		p->target = max;
	plan_look(p);
}

int
pool_take(struct pool *p, struct child *c, struct err *e)
{
	struct standby *sb = TAILQ_LAST(&p->ready, standby_list);

	if (lane_state(p->lane) != LANE_READY)
		return 0;
	p->asked_ns = c->at.read;
	if (sb == NULL) {
		missed(p);
		plan(p);
		return 0;
	}
	if (standby_hand(sb, c, e) == -1)
		return -1;
	p->taken++;
	p->failures = 0;
	if (p->nready < p->spare)
		p->spare = p->nready;
	return 1;
}

void
pool_making(struct pool *p, struct standby *sb)
{
	TAILQ_INSERT_TAIL(&p->others, sb, link);
	sb->state = STANDBY_MAKING;
	p->nmaking++;
}

void
pool_ready(struct pool *p, struct standby *sb)
{
	TAILQ_REMOVE(&p->others, sb, link);
	TAILQ_INSERT_TAIL(&p->ready, sb, link);
	sb->state = STANDBY_READY;
	sb->since = clock_ns();
	p->nmaking--;
	p->nready++;
	ev_timer_stop(p->srv->loop, &p->limit);
	pools_weigh(p, sb);
	trim(p);
	plan(p);
	if (!ev_is_active(&p->look))
		plan_look(p);
}

/* Out of its list and its count. */
static void
take_out(struct pool *p, struct standby *sb)
{
	switch (sb->state) {
	case STANDBY_MAKING:
		p->nmaking--;
		ev_timer_stop(p->srv->loop, &p->limit);
		break;
	case STANDBY_READY:
		p->nready--;
		TAILQ_REMOVE(&p->ready, sb, link);
		return;
	case STANDBY_LEAVING:
		break;
	}
	TAILQ_REMOVE(&p->others, sb, link);
}

void
pool_leaving(struct pool *p, struct standby *sb)
{
	take_out(p, sb);
	TAILQ_INSERT_TAIL(&p->others, sb, link);
	sb->state = STANDBY_LEAVING;
}

void
pool_lost(struct pool *p, const struct standby *sb, const char *how)
{
	if (sb->state == STANDBY_MAKING ||
	    (sb->state == STANDBY_READY && clock_ns() - sb->since < EARLY_NS))
		failed(p, how);
	else if (sb->state == STANDBY_READY)
		log_info("template=%s standby=%ju pid=%d op=lost: %s",
		    template_name(p->lane->t), (uintmax_t)sb->order,
		    (int)sb->pid, how);
}

void
pool_left(struct pool *p, struct standby *sb)
{
	take_out(p, sb);
	plan(p);
}
