/*
 * method_events: subscribe, unsubscribe: who hears what happens.
 */
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/dispatch.h"
#include "daemon/events.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "proto/map.h"
#include "proto/pack.h"

static int
read_subscription(const struct request *rq, struct subscription *s,
    struct child **c, struct err *e)
{
	struct map m;

	*s = (struct subscription){ 0 };
	*c = NULL;
	if (map_init(&m, rq->params, "", e) == -1 ||
	    map_uint(&m, "id", MAP_OPTIONAL, UINT64_MAX, &s->child) == -1 ||
	    map_bool(&m, "tree", MAP_OPTIONAL, &s->tree) == -1 ||
	    map_bool(&m, "output", MAP_OPTIONAL, &s->output) == -1 ||
	    map_end(&m) == -1)
		return -1;
	if (s->child == 0 && s->tree)
		return err_key(e, "tree", "\"tree\" goes with \"id\" only");
	if (s->child == 0)
		return 0;
	*c = request_find(rq, s->child, "id", e);
	return *c != NULL ? 0 : -1;
}

int
method_subscribe(struct request *rq, struct err *e)
{
	struct subscription s;
	struct pack_map m;
	struct msg_out o;
	struct child *c;

	if (read_subscription(rq, &s, &c, e) == -1 ||
	    events_subscribe(rq->client, &s, e) == -1)
		return -1;
	request_begin(rq, &o);
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "subscription", s.id);
	pack_map_end(&m);
	client_put(rq->client, &o);
	/* Its end cannot be missed by asking too late. */
	if (c == NULL || c->state != CHILD_ENDED)
		return 0;
	record_tell(c, rq->client->id);
	if (!s.tree)
		events_unsubscribe(rq->client, s.id);
	return 0;
}

int
method_unsubscribe(struct request *rq, struct err *e)
{
	struct map m;
	uint64_t id;

	if (map_init(&m, rq->params, "", e) == -1 ||
	    map_uint(&m, "subscription", MAP_REQUIRED, UINT64_MAX, &id) == -1 ||
	    map_end(&m) == -1)
		return -1;
	if (!events_unsubscribe(rq->client, id)) {
		err_key(e, "subscription", "no subscription %ju",
		    (uintmax_t)id);
		e->code = ERR_NOT_FOUND;
		return -1;
	}
	request_done(rq);
	return 0;
}
