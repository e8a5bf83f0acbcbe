/*
 * method_info: hello, ping, status, templates: what the daemon tells of
 * itself.
 */
#include <unistd.h>

#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/server.h"
#include "daemon/tenants.h"
#include "proto/frame.h"
#include "proto/map.h"
#include "proto/pack.h"
#include "proto/spawn.h"
#include "proto/version.h"

#ifndef FORKSERVERD_VERSION
#define FORKSERVERD_VERSION "0.1"
#endif

static const char server_name[] = "forkserverd " FORKSERVERD_VERSION;

static void
pack_limits(const struct request *rq, msgpack_packer *pk)
{
	const struct config_server *cfg = &rq->srv->cfg->server;
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "frame_bytes", frame_limits_default.max_bytes);
	pack_kv_uint(pk, &m, "frame_depth", frame_limits_default.max_depth);
	pack_kv_uint(pk, &m, "frame_items", frame_limits_default.max_items);
	pack_kv_uint(pk, &m, "fds", SPAWN_MAX_FDS);
	pack_kv_uint(pk, &m, "result_bytes", CHILD_OUTCOME_MAX);
	pack_kv_uint(pk, &m, "capture_bytes", SPAWN_MAX_CAPTURE);
	pack_kv_uint(pk, &m, "children", cfg->max_children);
	pack_kv_uint(pk, &m, "clients", cfg->max_clients);
	pack_kv_uint(pk, &m, "queued_bytes", cfg->max_queued_bytes);
	pack_kv_uint(pk, &m, "starting", cfg->max_starting);
	pack_kv_uint(pk, &m, "requests", cfg->max_requests);
	pack_kv_uint(pk, &m, "buffered_bytes", cfg->max_buffered);
	if (rq->client->user->guest) {
		pack_kv_uint(pk, &m, "user_clients", cfg->user_clients);
		pack_kv_uint(pk, &m, "user_children", cfg->user_children);
		pack_kv_uint(pk, &m, "user_starting", cfg->user_starting);
		pack_kv_uint(pk, &m, "user_requests", cfg->user_requests);
		pack_kv_uint(pk, &m, "user_buffered_bytes", cfg->user_buffered);
		pack_kv_uint(pk, &m, "user_spawn_rate", cfg->user_spawn_rate);
	}
	pack_map_end(&m);
}

int
method_hello(struct request *rq, struct err *e)
{
	const struct child *self;
	struct bytes cookie;
	struct msg_out o;
	struct pack_map m;
	struct map in;
	int r;

	if (map_init(&in, rq->params, "", e) == -1)
		return -1;
	r = map_text(&in, "parent", MAP_OPTIONAL, TREE_COOKIE_MAX, &cookie);
	if (r == -1 || map_end(&in) == -1)
		return -1;
	if (r == 1)
		tree_claim(rq->client, cookie);
	self = tree_of(rq->client);
	request_begin(rq, &o);
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "version", PROTO_CLIENT_VERSION);
	pack_kv_str(&o.pk, &m, "server", server_name);
	pack_kv_str(&o.pk, &m, "instance", rq->srv->instance);
	pack_kv_uint(&o.pk, &m, "pid", getpid());
	pack_kv_uint(&o.pk, &m, "uid", rq->client->account.uid);
	if (self != NULL)
		pack_kv_uint(&o.pk, &m, "child", self->id);
	pack_key(&o.pk, &m, "methods");
	dispatch_pack_names(&o.pk);
	pack_key(&o.pk, &m, "limits");
	pack_limits(rq, &o.pk);
	pack_map_end(&m);
	client_put(rq->client, &o);
	return 0;
}

int
method_ping(struct request *rq, struct err *e)
{
	struct msg_out o;
	struct pack_map m;

	if (request_no_params(rq, e) == -1)
		return -1;
	request_begin(rq, &o);
	pack_map_begin(&o.pk, &m);
	pack_kv_str(&o.pk, &m, "instance", rq->srv->instance);
	pack_kv_uint(&o.pk, &m, "time_ns", clock_ns());
	pack_map_end(&m);
	client_put(rq->client, &o);
	return 0;
}

static void
pack_templates(const struct request *rq, msgpack_packer *pk, struct pack_map *m)
{
	const struct template_list *list = &rq->srv->templates.list;
	const struct template *t;
	size_t n = 0;

	TAILQ_FOREACH(t, list, link)
	n += tenant_shown(t, rq->client);
	pack_key(pk, m, "templates");
	msgpack_pack_array(pk, n);
	TAILQ_FOREACH(t, list, link)
	if (tenant_shown(t, rq->client))
		template_pack(t, pk);
}

int
method_templates(struct request *rq, struct err *e)
{
	struct msg_out o;
	struct pack_map m;

	if (request_no_params(rq, e) == -1)
		return -1;
	request_begin(rq, &o);
	pack_map_begin(&o.pk, &m);
	pack_templates(rq, &o.pk, &m);
	pack_map_end(&m);
	client_put(rq->client, &o);
	return 0;
}

static void
pack_counts(const struct children *cs, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "queued", cs->count[CHILD_QUEUED]);
	pack_kv_uint(pk, &m, "starting", cs->count[CHILD_STARTING]);
	pack_kv_uint(pk, &m, "running",
	    cs->count[CHILD_RUNNING] + cs->count[CHILD_CANCELLING]);
	pack_kv_uint(pk, &m, "ended", cs->count[CHILD_ENDED]);
	pack_map_end(&m);
}

static void
pack_user(const struct user *u, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "uid", u->uid);
	pack_kv_uint(pk, &m, "clients", u->clients);
	pack_kv_uint(pk, &m, "children", u->children);
	pack_kv_uint(pk, &m, "starting", u->starting);
	pack_kv_uint(pk, &m, "requests", u->requests);
	pack_kv_uint(pk, &m, "buffered_bytes", u->bytes + u->spawn_bytes);
	pack_map_end(&m);
}

int
method_status(struct request *rq, struct err *e)
{
	struct server *srv = rq->srv;
	struct msg_out o;
	struct pack_map m;

	if (request_no_params(rq, e) == -1)
		return -1;
	request_begin(rq, &o);
	pack_map_begin(&o.pk, &m);
	pack_kv_str(&o.pk, &m, "server", server_name);
	pack_kv_uint(&o.pk, &m, "version", PROTO_CLIENT_VERSION);
	pack_kv_str(&o.pk, &m, "instance", srv->instance);
	pack_kv_uint(&o.pk, &m, "pid", getpid());
	pack_kv_uint(&o.pk, &m, "uptime_ns", clock_ns() - srv->started_ns);
	pack_kv_text(&o.pk, &m, "socket", srv->listener.path);
	pack_kv_str(&o.pk, &m, "state",
	    srv->drain.active ? "draining" : "running");
	if (srv->cgroups.base != NULL)
		pack_kv_text(&o.pk, &m, "cgroup", srv->cgroups.base);
	pack_kv_uint(&o.pk, &m, "clients", srv->clients.n);
	pack_key(&o.pk, &m, "children");
	pack_counts(&srv->children, &o.pk);
	pack_key(&o.pk, &m, "user");
	pack_user(rq->client->user, &o.pk);
	pack_kv_uint(&o.pk, &m, "standbys", srv->standbys.n);
	pack_kv_bool(&o.pk, &m, "memory_scarce", srv->pools.pressure.high);
	pack_kv_uint(&o.pk, &m, "spawned", srv->children.spawned);
	pack_kv_uint(&o.pk, &m, "forks", srv->templates.forks);
	pack_kv_uint(&o.pk, &m, "orders", srv->templates.orders);
	pack_kv_uint(&o.pk, &m, "strays", srv->reaper.strays);
	pack_key(&o.pk, &m, "latency");
	latency_pack(&srv->latency, &o.pk);
	pack_templates(rq, &o.pk, &m);
	pack_map_end(&m);
	client_put(rq->client, &o);
	return 0;
}
