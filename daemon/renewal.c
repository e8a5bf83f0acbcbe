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

/* " (template.sci.preload[1])" for the preload at fault, if one is. */
static void
name_key(const struct config_template *cfg, const struct failure *f, char *buf,
    size_t n)
{
	buf[0] = '\0';
	for (size_t i = 0; f->module != NULL && i < cfg->preload.n; i++)
		if (strcmp(cfg->preload.v[i], f->module) == 0) {
			snprintf(buf, n, " (template.%s.preload[%zu])",
			    cfg->name, i);
			return;
		}
}

/* Takes F. */
static void
failed(struct template *t, uint64_t generation,
    const struct config_template *cfg, struct failure *f)
{
	struct renewal *r = &t->renewal;
	const struct zygote *serves = template_zygote(t);
	char key[CONFIG_NAME_MAX + 40], who[40] = "none";
	struct err e;

	name_key(cfg, f, key, sizeof(key));
	if (serves != NULL)
		snprintf(who, sizeof(who), "gen %ju",
		    (uintmax_t)serves->generation);
	err_set(&e, ERR_TEMPLATE_FAILED, "gen=%ju failed: %.300s%s; %s serves",
	    (uintmax_t)generation, f->err.msg, key, who);
	failure_fini(&r->fail);
	r->fail = *f;
	r->fail.err = e;
	r->failed = generation;
	log_error("template=%s %s", template_name(t), e.msg);
	events_template(t);
}

static void
start(struct template *t, struct lane *l, const struct config_template *cfg)
{
	struct renewal *r = &t->renewal;
	struct failure f = { 0 };

	r->z = zygote_start(l, cfg, ++t->generation, &f.err);
	if (r->z == NULL)
		failed(t, t->generation, cfg, &f);
	else
		events_template(t);
}

/* There is none that a next one could replace. */
static bool
begin_anew(struct template *t, const struct config_template *cfg)
{
	bool wanted = cfg->start == START_AUTO ||
	    template_state(t) == LANE_FAILED;

	template_configure(t, cfg);
	t->way = ZYGOTE_PROMOTED;
	free(t->reason);
	t->reason = NULL;
	lane_renew(&t->warm, NULL);
	lane_renew(&t->cold, NULL);
	if (wanted)
		lane_start(&t->warm);
	return wanted;
}

bool
renewal_begin(struct template *t, const struct config_template *cfg)
{
	renewal_end(t);
	if (template_zygote(t) == NULL)
		return begin_anew(t, cfg);
	start(t, &t->warm, cfg);
	return true;
}

void
renewal_end(struct template *t)
{
	struct renewal *r = &t->renewal;

	if (r->z != NULL)
		zygote_retire(r->z);
	r->z = NULL;
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
	failed(t, z->generation, z->cfg, f);
}
