#include "daemon/tenants.h"

#include <stdint.h>
#include <string.h>

#include "daemon/admission.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/identity.h"
#include "daemon/lane.h"
#include "daemon/log.h"
#include "daemon/server.h"

static bool
in_use(const struct template *t)
{
	const struct child *c;

	TAILQ_FOREACH(c, &t->srv->children.live, link)
	if (c->templ == t)
		return true;
	return false;
}

/* Its zygotes end as soon as they have told of their last child. */
static void
stop(struct template *t, const char *why)
{
	static const struct err stopped = {
		.code = ERR_TEMPLATE_FAILED,
		.msg = "its user has not used it",
	};

	log_info("template=%s uid=%ju op=stop: %s", template_name(t),
	    (uintmax_t)t->account.uid, why);
	ev_timer_stop(t->srv->loop, &t->idle);
	renewal_end(t, &stopped);
	pool_end(&t->pool);
	lane_renew(&t->warm, NULL);
	lane_renew(&t->cold, NULL);
	template_remove(t);
}

static void
idle_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct template *t = w->data;

	(void)loop;
	(void)events;
	/* The end of its last child arms it anew. */
	if (!in_use(t))
		stop(t, "idle");
}

bool
tenant_is_pattern(const struct template *t)
{
	return t->cfg->whose == WHOSE_PEER && !t->tenant;
}

static size_t
count(const struct server *srv)
{
	const struct template *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	n += t->tenant;
	return n;
}

/* The one that is unused, and was for longest; NULL: all are in use. */
static struct template *
least_used(const struct server *srv)
{
	struct template *t, *least = NULL;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	if (t->tenant && (least == NULL || t->used_ns < least->used_ns) &&
	    !in_use(t))
		least = t;
	return least;
}

static int
make_room(struct server *srv, struct err *e)
{
	struct template *least;

	if (count(srv) < srv->cfg->server.max_tenants)
		return 0;
	least = least_used(srv);
	if (least == NULL) {
		err_set(e, ERR_BUSY,
		    "the templates of %ju users are in use, no more are "
		    "allowed",
		    (uintmax_t)srv->cfg->server.max_tenants);
		return admission_busy(e, "tenants");
	}
	stop(least, "there are too many");
	return 0;
}

static struct template *
find(const struct template *pattern, const struct account *a)
{
	struct template *t;

	/* One that is configured in another way has other patterns. */
	TAILQ_FOREACH(t, &pattern->srv->templates.list, link)
	if (t->tenant && account_eq(&t->account, a) &&
	    strcmp(t->cfg->name, pattern->cfg->name) == 0)
		return t;
	return NULL;
}

struct template *
tenant_of(struct template *pattern, const struct account *a, struct err *e)
{
	struct server *srv = pattern->srv;
	struct template *t = find(pattern, a);
	struct account copy;

	if (t != NULL)
		return t;
	if (make_room(srv, e) == -1 || account_copy(&copy, a, e) == -1)
		return NULL;
	t = template_new(srv, pattern->cfg);
	if (t == NULL) {
		account_fini(&copy);
		err_memory(e, "a template");
		return NULL;
	}
	t->tenant = true;
	t->account = copy;
	ev_init(&t->idle, idle_cb);
	t->idle.data = t;
	return t;
}

void
tenant_used(struct template *t)
{
	if (!t->tenant || t->gone)
		return;
	t->used_ns = clock_ns();
	if (t->cfg->idle_ns > 0)
		clock_arm(t->srv->loop, &t->idle, t->cfg->idle_ns);
}

bool
tenant_shown(const struct template *t, const struct client *c)
{
	if (t->tenant)
		return identity_may_touch(c, t->account.uid);
	return !tenant_is_pattern(t) || find(t, &c->account) == NULL;
}
