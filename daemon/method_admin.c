/*
 * method_admin: reload, drain, shutdown: what becomes of the daemon.
 */
#include "daemon/clients.h"
#include "daemon/dispatch.h"
#include "daemon/identity.h"
#include "daemon/server.h"
#include "proto/map.h"
#include "proto/spawn.h"

int
method_reload(struct request *rq, struct err *e)
{
	struct bytes name = { 0 };
	struct map m;

	if (map_init(&m, rq->params, "", e) == -1 ||
	    identity_must_rule(rq->client, "reload", e) == -1 ||
	    map_str(&m, "template", MAP_OPTIONAL, CONFIG_NAME_MAX, &name) ==
		-1 ||
	    map_end(&m) == -1)
		return -1;
	return reload_ask(rq->srv, rq, name, e);
}

int
method_drain(struct request *rq, struct err *e)
{
	uint64_t timeout = 0;
	struct map m;
	int has;

	if (map_init(&m, rq->params, "", e) == -1 ||
	    identity_must_rule(rq->client, "drain", e) == -1)
		return -1;
	has = map_uint(&m, "timeout_ns", MAP_OPTIONAL, DRAIN_MAX_NS, &timeout);
	if (has == -1 || map_end(&m) == -1)
		return -1;
	request_done(rq);
	drain_wait(rq->srv, has == 1, timeout);
	return 0;
}

int
method_shutdown(struct request *rq, struct err *e)
{
	struct map m;
	uint64_t grace = 0;
	int has;

	if (map_init(&m, rq->params, "", e) == -1 ||
	    identity_must_rule(rq->client, "shutdown", e) == -1)
		return -1;
	has = map_uint(&m, "grace_ns", MAP_OPTIONAL, GRACE_MAX_NS, &grace);
	if (has == -1 || map_end(&m) == -1)
		return -1;
	request_done(rq);
	drain_begin(rq->srv, has == 1, grace);
	return 0;
}
