#include "daemon/reload_apply.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config_change.h"
#include "daemon/lane.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/tenants.h"

static bool
asks_for(const struct reload *r, const char *name)
{
	return r->name == NULL || strcmp(r->name, name) == 0;
}

static bool
asked_for(const struct reload_list *list, const char *name)
{
	const struct reload *r;

	TAILQ_FOREACH(r, list, link)
	if (asks_for(r, name))
		return true;
	return false;
}

/* By its name: it is renewed whether it has changed or not. */
static bool
named(const struct reload_list *list, const char *name)
{
	const struct reload *r;

	TAILQ_FOREACH(r, list, link)
	if (r->name != NULL && strcmp(r->name, name) == 0)
		return true;
	return false;
}

static void
add_step(struct reload *r, struct template *t, enum reload_what what,
    uint64_t generation)
{
	struct reload_step *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		log_error("template=%s op=reload: no memory to tell of it",
		    template_name(t));
		return;
	}
	s->t = template_use(t);
	s->what = what;
	s->generation = generation;
	s->pending = generation != 0;
	r->pending += s->pending;
	TAILQ_INSERT_TAIL(&r->steps, s, link);
}

static void
add_steps(struct reload_list *list, struct template *t, enum reload_what what,
    uint64_t generation)
{
	struct reload *r;

	TAILQ_FOREACH(r, list, link)
	if (asks_for(r, template_name(t)))
		add_step(r, t, what, generation);
}

/* The steps come first: what is begun may have failed when it returns. */
static void
renew(struct template *t, const struct config_template *cfg,
    struct reload_list *list)
{
	const struct config_template *old = config_template_use(t->cfg);

	if (renewal_starts(t, cfg)) {
		add_steps(list, t, RELOAD_RENEWED, t->generation + 1);
		renewal_begin(t, cfg);
	} else {
		renewal_begin(t, cfg);
		if (config_template_change(old, cfg) != CHANGE_NONE)
			add_steps(list, t, RELOAD_CHANGED, 0);
	}
	config_template_drop(old);
}

/* One for all, a pattern, or a user's own of that: what is another one now is
 * served no more, and the other is new. */
static bool
is_of_its_kind(const struct template *t, const struct config_template *to)
{
	return (t->cfg->whose == WHOSE_PEER) == (to->whose == WHOSE_PEER);
}

static void
see(struct template *t, const struct config *cfg, struct reload_list *list)
{
	const struct config_template *to = config_template_find(cfg,
	    template_name(t));
	struct renewal *rn = &t->renewal;
	enum config_change change;

	if (!asked_for(list, template_name(t)))
		return;
	if (to == NULL || !is_of_its_kind(t, to)) {
		add_steps(list, t, RELOAD_REMOVED, 0);
		template_end(t);
		return;
	}
	if (tenant_is_pattern(t)) {
		if (config_template_change(t->cfg, to) != CHANGE_NONE)
			add_steps(list, t, RELOAD_CHANGED, 0);
		template_configure(t, to);
		return;
	}
	change = config_template_change(rn->z != NULL ? rn->z->cfg : t->cfg,
	    to);
	if (change == CHANGE_ANEW || named(list, template_name(t)) ||
	    (rn->z == NULL && rn->failed != 0) ||
	    template_state(t) == LANE_FAILED) {
		renew(t, to, list);
	} else if (rn->z != NULL) {
		renewal_configure(t, to);
		add_steps(list, t, RELOAD_RENEWED, rn->z->generation);
	} else {
		template_configure(t, to);
		if (change == CHANGE_LIVE)
			add_steps(list, t, RELOAD_CHANGED, 0);
	}
}

static bool
is_served(struct server *srv, const char *name)
{
	struct err ignored;

	return template_find(srv, bytes_of(name), &ignored) != NULL;
}

static void
add_new(struct server *srv, const struct config *cfg, struct reload_list *list)
{
	for (size_t i = 0; i < cfg->ntemplates; i++) {
		const struct config_template *c = cfg->templates[i];
		bool starts = c->start == START_AUTO && c->whose != WHOSE_PEER;
		struct template *t;

		if (!asked_for(list, c->name) || is_served(srv, c->name))
			continue;
		t = template_new(srv, c);
		if (t == NULL) {
			log_error("template=%s op=reload: no memory for it",
			    c->name);
			continue;
		}
		add_steps(list, t, RELOAD_ADDED, starts ? 1 : 0);
		if (starts)
			lane_start(&t->warm);
	}
}

/* ARG: the list. */
static void
keeps(void *arg, const char *key)
{
	struct reload *r;
	char *s;

	log_warn("op=reload: server.%s changes only with a restart", key);
	TAILQ_FOREACH(r, (struct reload_list *)arg, link)
	{
		char **v = reallocarray(r->restart.v, r->restart.n + 1,
		    sizeof(*v));

		if (r->name != NULL || v == NULL)
			continue;
		r->restart.v = v;
		if (asprintf(&s, "server.%s", key) != -1)
			v[r->restart.n++] = s;
	}
}

static void
apply_server(struct server *srv, struct config *cfg, struct reload_list *list)
{
	struct template *t;
	struct config old;

	config_server_keep(cfg, srv->cfg, keeps, list);
	old = *srv->cfg;
	*srv->cfg = *cfg;
	*cfg = old;
	log_init((enum log_level)srv->cfg->server.log_level);
	TAILQ_FOREACH(t, &srv->templates.list, link)
	pool_configured(&t->pool);
}

int
reload_check(struct server *srv, const struct config *cfg,
    const struct reload *r, struct err *e)
{
	if (r->name == NULL || config_template_find(cfg, r->name) != NULL ||
	    is_served(srv, r->name))
		return 0;
	err_key(e, "template", "no template \"%s\"", r->name);
	e->code = ERR_UNKNOWN_TEMPLATE;
	return -1;
}

void
reload_apply(struct server *srv, struct config *cfg, struct reload_list *list)
{
	struct template *t, *next;
	const struct reload *r;
	bool whole = false;

	for (t = TAILQ_FIRST(&srv->templates.list); t != NULL; t = next) {
		next = TAILQ_NEXT(t, link);
		see(t, cfg, list);
	}
	add_new(srv, cfg, list);
	TAILQ_FOREACH(r, list, link)
	whole = whole || r->name == NULL;
	if (whole)
		apply_server(srv, cfg, list);
}
