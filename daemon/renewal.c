#include "daemon/renewal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lane.h"
#include "daemon/log.h"
#include "daemon/server.h"

void
renewal_init(struct renewal *r)
{
	*r = (struct renewal){ 0 };
}

void
renewal_fini(struct renewal *r)
{
	free(r->reason);
	failure_fini(&r->fail);
}

/* Takes F. */
static void
failed(struct template *t, uint64_t generation, struct failure *f)
{
	struct renewal *r = &t->renewal;
	const struct zygote *serves = template_zygote(t);
	char who[40] = "none";
	const char *key = f->err.key;

	if (serves != NULL)
		snprintf(who, sizeof(who), "gen %ju",
		    (uintmax_t)serves->generation);
	log_error("template=%s gen=%ju failed: %s%s%s%s; %s serves",
	    template_name(t), (uintmax_t)generation, f->err.msg,
	    key[0] != '\0' ? " (" : "", key, key[0] != '\0' ? ")" : "", who);
	failure_fini(&r->fail);
	r->fail = *f;
	r->failed = generation;
	events_template(t);
	reload_told(t, generation, &r->fail);
}

static void
start(struct template *t, struct lane *l, const struct config_template *cfg)
{
	struct renewal *r = &t->renewal;
	struct failure f = { 0 };

	r->z = zygote_start(l, cfg, ++t->generation, &f.err);
	if (r->z != NULL) {
		events_template(t);
		return;
	}
	f.err.code = ERR_TEMPLATE_FAILED;
	failed(t, t->generation, &f);
}

/* There is none that a next one could replace. */
static void
begin_anew(struct template *t, const struct config_template *cfg)
{
	bool starts = renewal_starts(t, cfg);

	t->renewal.failed = 0;
	failure_fini(&t->renewal.fail);
	template_configure(t, cfg);
	t->way = ZYGOTE_PROMOTED;
	t->way_known = false;
	free(t->reason);
	t->reason = NULL;
	lane_renew(&t->warm, NULL);
	lane_renew(&t->cold, NULL);
	if (starts)
		lane_start(&t->warm);
}

bool
renewal_starts(const struct template *t, const struct config_template *cfg)
{
	return template_state(t) != LANE_IDLE || cfg->start == START_AUTO;
}

void
renewal_begin(struct template *t, const struct config_template *cfg)
{
	static const struct err later = {
		.code = ERR_TEMPLATE_FAILED,
		.msg = "a later reload has taken its place",
	};

	renewal_end(t, &later);
	if (template_zygote(t) == NULL)
		begin_anew(t, cfg);
	else
		start(t, &t->warm, cfg);
}

void
renewal_configure(struct template *t, const struct config_template *cfg)
{
	struct zygote *z = t->renewal.z;
	const struct config_template *old = z->cfg;

	z->cfg = config_template_use(cfg);
	config_template_drop(old);
}

void
renewal_end(struct template *t, const struct err *why)
{
	struct renewal *r = &t->renewal;
	struct zygote *z = r->z;
	struct failure f = { .err = *why };

	r->z = NULL;
	if (z == NULL)
		return;
	zygote_retire(z);
	reload_told(t, z->generation, &f);
}

static void
take_over(struct template *t)
{
	struct renewal *r = &t->renewal;
	struct zygote *z = r->z;
	bool warm = z->lane == &t->warm;

	r->z = NULL;
	r->failed = 0;
	failure_fini(&r->fail);
	template_configure(t, z->cfg);
	if (!warm) {
		t->way = ZYGOTE_ADOPTS_NOT;
		t->way_known = true;
		free(t->reason);
		t->reason = r->reason;
		r->reason = NULL;
		lane_turn_cold(t);
	}
	lane_renew(&t->warm, warm ? z : NULL);
	lane_renew(&t->cold, warm ? NULL : z);
	lane_ready(z->lane, z);
}

void
renewal_ready(struct template *t)
{
	struct renewal *r = &t->renewal;
	struct zygote *z = r->z;

	if (z->lane->kind == ZYGOTE_COLD || z->way != ZYGOTE_ADOPTS_NOT) {
		take_over(t);
		return;
	}
	free(r->reason);
	r->reason = z->reason != NULL ? strdup(z->reason) : NULL;
	log_warn("template=%s generation=%ju op=cold: %s", template_name(t),
	    (uintmax_t)z->generation,
	    z->reason != NULL ? z->reason : "no reason given");
	start(t, &t->cold, z->cfg);
	zygote_retire(z);
}

void
renewal_over(struct template *t, struct failure *f)
{
	struct zygote *z = t->renewal.z;

	t->renewal.z = NULL;
	failed(t, z->generation, f);
}
