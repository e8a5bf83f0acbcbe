/*
 * method_child: cancel, kill, signal, list, inspect, shutdown: what is
 * asked of children that are there.
 */
#include <stdlib.h>

#include "daemon/child_end.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/identity.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "proto/map.h"
#include "proto/pack.h"

#define NO_MORE 64 /* the last signal's number */

static const struct err cancelled = {
	.code = ERR_CHILD_DIED,
	.msg = "the child was cancelled before it was forked",
};

static int
must_live(const struct child *c, struct err *e)
{
	if (!c->reaped)
		return 0;
	return err_set(e, ERR_NOT_RUNNING, "child %ju has ended",
	    (uintmax_t)c->id);
}

int
method_cancel(struct request *rq, struct err *e)
{
	struct map m;
	struct child *c = request_child(rq, &m, e);
	uint64_t grace;

	if (c == NULL)
		return -1;
	grace = c->grace_ns;
	if (map_uint(&m, "grace_ns", MAP_OPTIONAL, GRACE_MAX_NS, &grace) ==
		-1 ||
	    map_end(&m) == -1 || must_live(c, e) == -1)
		return -1;
	child_cancel(c, grace, &cancelled);
	request_done(rq);
	return 0;
}

int
method_kill(struct request *rq, struct err *e)
{
	struct map m;
	struct child *c = request_child(rq, &m, e);

	if (c == NULL || map_end(&m) == -1)
		return -1;
	if (!c->reaped)
		child_kill(c, &cancelled);
	else if (!leftover_kill(rq->srv, c->id))
		return must_live(c, e);
	request_done(rq);
	return 0;
}

int
method_signal(struct request *rq, struct err *e)
{
	struct map m;
	struct child *c = request_child(rq, &m, e);
	uint64_t sig;

	if (c == NULL ||
	    map_uint(&m, "signal", MAP_REQUIRED, NO_MORE, &sig) == -1)
		return -1;
	if (sig == 0)
		return err_key(e, "signal", "\"signal\" must be from 1 to %d",
		    NO_MORE);
	if (map_end(&m) == -1 || child_signal(c, (int)sig, e) == -1)
		return -1;
	request_done(rq);
	return 0;
}

static int
by_id(const void *a, const void *b)
{
	const struct child *const *x = a, *const *y = b;

	return (*x)->id<(*y)->id ? -1 : (*x)->id>(*y)->id;
}

int
method_list(struct request *rq, struct err *e)
{
	const struct children *cs = &rq->srv->children;
	struct msg_out o;
	struct map m;
	const struct child *c, **v;
	bool all = false;
	size_t n = 0, left = RECORDS_TOLD_MAX;

	if (map_init(&m, rq->params, "", e) == -1 ||
	    map_bool(&m, "all", MAP_OPTIONAL, &all) == -1 || map_end(&m) == -1)
		return -1;
	v = calloc(children_live(rq->srv) + cs->count[CHILD_ENDED] + 1,
	    sizeof(*v));
	if (v == NULL)
		return err_memory(e, "a list");
	TAILQ_FOREACH(c, &cs->live, link)
	if (identity_may_touch(rq->client, c->uid))
		v[n++] = c;
	if (all)
		TAILQ_FOREACH(c, &cs->ended, link)
	if (identity_may_touch(rq->client, c->uid))
		v[n++] = c;
	qsort(v, n, sizeof(*v), by_id);
	request_begin(rq, &o);
	msgpack_pack_map(&o.pk, 1);
	pack_str(&o.pk, "children");
	msgpack_pack_array(&o.pk, n);
	for (size_t i = 0; i < n; i++)
		record_pack_inspect(v[i], record_share(v[i], &left), false,
		    &o.pk);
	free(v);
	if (record_answer_fits(&o, e) == -1) {
		msg_out_fini(&o);
		return -1;
	}
	client_put(rq->client, &o);
	return 0;
}

int
method_inspect(struct request *rq, struct err *e)
{
	struct map m;
	struct msg_out o;
	struct child *c = request_child(rq, &m, e);

	if (c == NULL || map_end(&m) == -1)
		return -1;
	request_begin(rq, &o);
	record_pack_inspect(c, SIZE_MAX, true, &o.pk);
	client_put(rq->client, &o);
	return 0;
}
