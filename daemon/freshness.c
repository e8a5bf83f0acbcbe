#include "daemon/freshness.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/server.h"

/* So much longer than its making a generation serves, at the least. */
#define SERVES_TIMES 4
#define PAUSE_MIN_NS NS_PER_S
#define PAUSE_MAX_NS (60 * NS_PER_S)

static uint64_t
pause_left(const struct zygote *z)
{
	uint64_t ns = SERVES_TIMES * (z->ready_ns - z->started_ns);
	uint64_t until, now = clock_ns();

	if (ns < PAUSE_MIN_NS)
		ns = PAUSE_MIN_NS;
	if (ns > PAUSE_MAX_NS)
		ns = PAUSE_MAX_NS;
	until = z->ready_ns + ns;
	return until > now ? until - now : 0;
}

static void
renew(struct template *t)
{
	const struct zygote *z = template_zygote(t);

	if (t->srv->drain.active || t->gone || z == NULL ||
	    z->state != ZYGOTE_READY)
		return;
	/* What is coming may have read the file before it changed. */
	if (t->renewal.z != NULL)
		clock_arm(t->srv->loop, &t->freshness.timer, PAUSE_MIN_NS);
	else
		renewal_begin(t, t->cfg);
}

static void
timer_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	renew(w->data);
}

void
freshness_init(struct template *t)
{
	ev_init(&t->freshness.timer, timer_cb);
	t->freshness.timer.data = t;
}

void
freshness_fini(struct template *t)
{
	ev_timer_stop(t->srv->loop, &t->freshness.timer);
}

void
freshness_stale(struct zygote *z, struct bytes path)
{
	struct template *t = z->lane->t;

	if (!z->cfg->watch || z != template_zygote(t) ||
	    z->state != ZYGOTE_READY || ev_is_active(&t->freshness.timer))
		return;
	log_info("template=%s generation=%ju op=stale: %.*s has changed",
	    template_name(t), (uintmax_t)z->generation, (int)path.n, path.p);
	clock_arm(t->srv->loop, &t->freshness.timer, pause_left(z));
}
