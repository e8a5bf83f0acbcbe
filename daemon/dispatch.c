#include "daemon/dispatch.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/admission.h"
#include "daemon/children.h"
#include "daemon/client_share.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/exhausted.h"
#include "daemon/identity.h"
#include "daemon/log.h"
#include "daemon/refusals.h"
#include "proto/map.h"
#include "proto/pack.h"

static const struct method {
	const char *name;
	method_fn *serve;
} methods[] = {
	{ "hello", method_hello },
	{ "ping", method_ping },
	{ "spawn", method_spawn },
	{ "wait", method_wait },
	{ "attach", method_attach },
	{ "detach", method_detach },
	{ "cancel", method_cancel },
	{ "kill", method_kill },
	{ "signal", method_signal },
	{ "dump", method_dump },
	{ "list", method_list },
	{ "inspect", method_inspect },
	{ "status", method_status },
	{ "templates", method_templates },
	{ "subscribe", method_subscribe },
	{ "unsubscribe", method_unsubscribe },
	{ "reload", method_reload },
	{ "drain", method_drain },
	{ "shutdown", method_shutdown },
};

#define NMETHODS (sizeof(methods) / sizeof(*methods))

static const struct method *
find_method(const char *name)
{
	for (size_t i = 0; i < NMETHODS; i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

void
dispatch_error(struct client *c, uint32_t id, const struct err *e)
{
	struct err told = *e;
	struct msg_out o;

	exhausted_name(&told);
	msg_out_init(&o);
	msg_error(&o, id, &told);
	client_put(c, &o);
}

void
dispatch_request(struct client *c, const struct msg *m)
{
	struct request rq = {
		.srv = c->srv,
		.client = c,
		.id = m->id,
		.params = &m->params,
		.read_ns = clock_ns(),
	};
	const struct method *method = find_method(m->method);
	struct err e;
	int r;

	client_asked(c);
	if (method == NULL)
		r = err_set(&e, ERR_UNKNOWN_METHOD, "no method \"%s\"",
		    m->method);
	else if (method->serve != method_spawn &&
	    admission_request(c, &e) == -1)
		r = -1; /* a spawn has descriptors to take first */
	else
		r = method->serve(&rq, &e);
	if (r == -1)
		dispatch_error(c, m->id, &e);
	if (log_on(LOG_DEBUG))
		log_debug("conn=%ju op=%s request=%u%s%s", (uintmax_t)c->id,
		    method != NULL ? method->name : "unknown", m->id,
		    r == -1 ? " refused: " : "", r == -1 ? e.msg : "");
}

void
dispatch_pack_names(msgpack_packer *pk)
{
	msgpack_pack_array(pk, NMETHODS);
	for (size_t i = 0; i < NMETHODS; i++)
		pack_str(pk, methods[i].name);
}

void
request_begin(const struct request *rq, struct msg_out *o)
{
	msg_out_init(o);
	msg_begin_result(o, rq->id);
}

void
request_done(const struct request *rq)
{
	struct msg_out o;

	request_begin(rq, &o);
	msgpack_pack_map(&o.pk, 0);
	client_put(rq->client, &o);
}

struct child *
request_find(const struct request *rq, uint64_t id, const char *key,
    struct err *e)
{
	struct child *c = child_find(rq->srv, id);
	char why[64];

	if (c != NULL && identity_may_touch(rq->client, c->uid))
		return c;
	/* Whose it is, and that it is there, is nobody else's business. */
	err_key(e, key, "no child %ju", (uintmax_t)id);
	e->code = ERR_NOT_FOUND;
	if (c != NULL) {
		snprintf(why, sizeof(why), "child %ju is of uid %ju",
		    (uintmax_t)id, (uintmax_t)c->uid);
		refusals_log(rq->client, "child", why);
	}
	return NULL;
}

struct child *
request_child(const struct request *rq, struct map *m, struct err *e)
{
	uint64_t id;

	if (map_init(m, rq->params, "", e) == -1 ||
	    map_uint(m, "id", MAP_REQUIRED, UINT64_MAX, &id) == -1)
		return NULL;
	return request_find(rq, id, "id", e);
}

int
request_no_params(const struct request *rq, struct err *e)
{
	struct map m;

	if (map_init(&m, rq->params, "", e) == -1)
		return -1;
	return map_end(&m);
}
