/*
 * template_pack: what is told of a template.
 */
#include "daemon/clock.h"
#include "daemon/lane.h"
#include "daemon/procmem.h"
#include "daemon/server.h"
#include "daemon/tenants.h"
#include "daemon/templates.h"
#include "proto/pack.h"

static const char *
state_name(enum lane_state s)
{
	switch (s) {
	case LANE_IDLE:
		return "idle";
	case LANE_STARTING:
		return "starting";
	case LANE_READY:
		return "ready";
	case LANE_FAILED:
		return "failed";
	}
	return "";
}

static size_t
children_of(const struct template *t)
{
	const struct child *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &t->srv->children.live, link)
	n += c->templ == t;
	return n;
}

/* A is empty, or a packed array. */
static void
pack_array(msgpack_packer *pk, struct pack_map *m, const char *key,
    const msgpack_sbuffer *a)
{
	pack_key(pk, m, key);
	if (a->size > 0)
		pack_append(pk, a);
	else
		msgpack_pack_array(pk, 0);
}

static void
pack_zygote(const struct zygote *z, msgpack_packer *pk, struct pack_map *m)
{
	struct procmem mem;

	pack_kv_uint(pk, m, "pid", z->pid);
	if (z->was_ready)
		pack_kv_uint(pk, m, "age_ns", clock_ns() - z->ready_ns);
	if (z->python != NULL)
		pack_kv_str(pk, m, "python", z->python);
	pack_array(pk, m, "preload", &z->preload);
	pack_array(pk, m, "warnings", &z->warnings);
	if (procmem_read(z->pid, &mem)) {
		pack_kv_uint(pk, m, "resident_kb", mem.resident_kb);
		pack_kv_uint(pk, m, "anonymous_kb", mem.anonymous_kb);
	}
}

/* The generation that is coming, and the one that did not come. */
static void
pack_renewal(const struct renewal *r, msgpack_packer *pk, struct pack_map *m)
{
	struct pack_map rm;

	if (r->z != NULL) {
		pack_key(pk, m, "coming");
		pack_map_begin(pk, &rm);
		pack_kv_uint(pk, &rm, "generation", r->z->generation);
		pack_kv_uint(pk, &rm, "pid", r->z->pid);
		pack_map_end(&rm);
	}
	if (r->failed == 0)
		return;
	pack_key(pk, m, "failed");
	pack_map_begin(pk, &rm);
	pack_kv_uint(pk, &rm, "generation", r->failed);
	pack_key(pk, &rm, "error");
	failure_pack(&r->fail, pk);
	pack_map_end(&rm);
}

void
template_pack_uid(const struct template *t, msgpack_packer *pk,
    struct pack_map *m)
{
	const struct account *as = template_account(t, t->cfg);

	if (!tenant_is_pattern(t))
		pack_kv_uint(pk, m, "uid", as != NULL ? as->uid : t->srv->uid);
}

void
template_pack(const struct template *t, msgpack_packer *pk)
{
	const struct lane *l = template_lane(t);
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_str(pk, &m, "name", t->cfg->name);
	if (t->cfg->user[0] != '\0')
		pack_kv_text(pk, &m, "user", t->cfg->user);
	template_pack_uid(t, pk, &m);
	pack_kv_str(pk, &m, "mode", config_mode_name(t->cfg->mode));
	pack_kv_str(pk, &m, "state",
	    t->gone ? "removed" : state_name(template_state(t)));
	if (t->way_known)
		pack_kv_str(pk, &m, "way", zygote_way_name(t->way));
	if (t->reason != NULL)
		pack_kv_text(pk, &m, "reason", t->reason);
	pack_kv_uint(pk, &m, "generation",
	    l->z != NULL ? l->z->generation : t->generation);
	if (l->z != NULL)
		pack_zygote(l->z, pk, &m);
	pack_kv_bool(pk, &m, "watch", t->cfg->watch);
	group_limits_pack(&t->cfg->limits.group, pk, &m);
	pack_renewal(&t->renewal, pk, &m);
	pack_key(pk, &m, "standby");
	pool_pack(&t->pool, pk);
	pack_kv_uint(pk, &m, "children", children_of(t));
	pack_kv_uint(pk, &m, "failures", l->failures);
	if (lane_state(l) == LANE_FAILED) {
		pack_kv_uint(pk, &m, "retry_ns", lane_retry_ns(l));
		pack_key(pk, &m, "error");
		failure_pack(&l->fail, pk);
	}
	pack_map_end(&m);
}
