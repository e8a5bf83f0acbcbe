#include "daemon/templates.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/lane.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/tenants.h"

struct template *
template_new(struct server *srv, const struct config_template *cfg)
{
	struct templates *ts = &srv->templates;
	struct template *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->users = 1;
	t->number = ++ts->last_number;
	t->srv = srv;
	t->cfg = config_template_use(cfg);
	t->way = ZYGOTE_PROMOTED;
	lane_init(&t->warm, t, ZYGOTE_WARM);
	lane_init(&t->cold, t, ZYGOTE_COLD);
	pool_init(&t->pool, srv, &t->warm);
	renewal_init(&t->renewal);
	freshness_init(t);
	TAILQ_INSERT_TAIL(&ts->list, t, link);
	ts->n++;
	return t;
}

struct template *
template_use(struct template *t)
{
	t->users++;
	return t;
}

void
template_drop(struct template *t)
{
	struct templates *ts = &t->srv->templates;

	if (--t->users > 0)
		return;
	TAILQ_REMOVE(t->gone ? &ts->gone : &ts->list, t, link);
	pool_fini(&t->pool);
	lane_fini(&t->warm);
	lane_fini(&t->cold);
	renewal_fini(&t->renewal);
	freshness_fini(t);
	ev_timer_stop(t->srv->loop, &t->idle);
	account_fini(&t->account);
	config_template_drop(t->cfg);
	free(t->reason);
	free(t);
}

void
template_remove(struct template *t)
{
	struct templates *ts = &t->srv->templates;

	TAILQ_REMOVE(&ts->list, t, link);
	TAILQ_INSERT_TAIL(&ts->gone, t, link);
	ts->n--;
	t->gone = true;
	template_drop(t);
}

void
template_end(struct template *t)
{
	static const struct err removed = {
		.code = ERR_UNKNOWN_TEMPLATE,
		.msg = "its template has been removed",
	};

	log_info("template=%s op=remove", template_name(t));
	renewal_end(t, &removed);
	lane_end(&t->warm);
	lane_end(&t->cold);
	pool_end(&t->pool);
	ev_timer_stop(t->srv->loop, &t->idle);
	template_use(t);
	template_remove(t);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it is in use here. */
	events_template(t);
	template_drop(t);
}

int
templates_init(struct server *srv, struct err *e)
{
	struct templates *ts = &srv->templates;

	*ts = (struct templates){ 0 };
	TAILQ_INIT(&ts->list);
	TAILQ_INIT(&ts->gone);
	TAILQ_INIT(&ts->zygotes);
	for (size_t i = 0; i < srv->cfg->ntemplates; i++)
		if (template_new(srv, srv->cfg->templates[i]) == NULL)
			return err_memory(e, "templates");
	return 0;
}

struct lane *
template_lane(const struct template *shared)
{
	struct template *t = (struct template *)shared;

	return t->way == ZYGOTE_ADOPTS_NOT ? &t->cold : &t->warm;
}

void
templates_start(struct server *srv)
{
	struct template *t;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	if (t->cfg->start == START_AUTO && !tenant_is_pattern(t))
		lane_start(template_lane(t));
	server_check_ready(srv);
}

void
templates_end(struct server *srv)
{
	struct template *t;
	struct zygote *z;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	{
		ev_timer_stop(srv->loop, &t->warm.retry);
		ev_timer_stop(srv->loop, &t->cold.retry);
	}
	TAILQ_FOREACH(z, &srv->templates.zygotes, link)
	zygote_retire(z);
}

void
templates_fini(struct server *srv)
{
	struct templates *ts = &srv->templates;
	struct template *t;

	while ((t = TAILQ_FIRST(&ts->list)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): another one. */
		template_remove(t);
}

void
templates_forget_standbys(struct server *srv)
{
	struct template_list *lists[] = { &srv->templates.list,
		&srv->templates.gone };
	struct template *t, *next;

	for (int i = 0; i < 2; i++)
		for (t = TAILQ_FIRST(lists[i]); t != NULL; t = next) {
			next = TAILQ_NEXT(t, link);
			template_use(t);
			pool_fini(&t->pool);
			template_drop(t);
		}
}

void
templates_end_standbys(struct server *srv)
{
	struct template *t;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	pool_end(&t->pool);
}

struct standby *
templates_standby_by_pid(struct server *srv, pid_t pid)
{
	struct template_list *lists[] = { &srv->templates.list,
		&srv->templates.gone };
	struct standby *sb;
	struct template *t;

	for (int i = 0; i < 2; i++)
		TAILQ_FOREACH(t, lists[i], link)
	if ((sb = pool_by_pid(&t->pool, pid)) != NULL)
		return sb;
	return NULL;
}

bool
templates_settled(const struct server *srv)
{
	struct template *t;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	{
		const struct lane *l = template_lane(t);

		/* One that is tried again has failed once. */
		if (t->cfg->start == START_AUTO && !t->tenant &&
		    l->failures == 0 && lane_state(l) == LANE_STARTING)
			return false;
	}
	return true;
}

struct template *
template_by_number(struct server *srv, uint64_t number)
{
	struct template *t;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	if (t->number == number)
		return t;
	return NULL;
}

struct template *
template_find(struct server *srv, struct bytes name, struct err *e)
{
	struct template *t;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	if (bytes_eq(name, t->cfg->name))
		return t;
	err_key(e, "template", "no template \"%.*s\"", (int)name.n, name.p);
	e->code = ERR_UNKNOWN_TEMPLATE;
	return NULL;
}

const struct account *
template_account(const struct template *t, const struct config_template *cfg)
{
	const struct account *a = t->tenant ? &t->account :
	    cfg->whose == WHOSE_NAMED       ? &cfg->account :
					      NULL;

	return a != NULL && a->uid != t->srv->uid ? a : NULL;
}

const char *
template_name(const struct template *t)
{
	return t->cfg->name;
}

int
template_standby(struct child *c, struct err *e)
{
	struct template *t = c->templ;

	/* One that has a control group cannot be without. */
	if (c->want != SPAWN_ANY || template_lane(t) != &t->warm ||
	    (!c->contain && t->srv->cgroups.base != NULL))
		return 0;
	return pool_take(&t->pool, c, e);
}

void
template_submit(struct child *c)
{
	struct template *t = c->templ;
	struct failure f = { 0 };

	switch (c->want) {
	case SPAWN_ANY:
		lane_submit(template_lane(t), c);
		return;
	case SPAWN_COLD:
		lane_submit(&t->cold, c);
		return;
	case SPAWN_WARM:
		if (t->way != ZYGOTE_ADOPTS_NOT) {
			lane_submit(&t->warm, c);
			return;
		}
		c->lane = &t->warm;
		lane_no_warm(t, &f);
		lane_refuse(c, &f);
		return;
	}
}

enum lane_state
template_state(const struct template *t)
{
	return lane_state(template_lane(t));
}

bool
template_fails(const struct template *t)
{
	const struct lane *l = template_lane(t);

	return l->failures > 0 && lane_state(l) != LANE_READY;
}

struct zygote *
template_zygote(const struct template *t)
{
	return template_lane(t)->z;
}

void
template_configure(struct template *t, const struct config_template *cfg)
{
	const struct config_template *old = t->cfg;

	t->cfg = config_template_use(cfg);
	config_template_drop(old);
	pool_configured(&t->pool);
}
