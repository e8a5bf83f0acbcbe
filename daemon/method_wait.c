/*
 * method_wait: wait: for the end of which children, and how it is asked for.
 */
#include <stdlib.h>

#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/identity.h"
#include "daemon/server.h"
#include "daemon/waiter.h"
#include "proto/map.h"

#define TIMEOUT_MAX_NS (UINT64_C(365) * 86400 * NS_PER_S)

struct wait {
	struct child *one;               /* of `id` */
	const msgpack_object_array *ids; /* NULL: not asked by them */
	bool mine, all;                  /* of `of` */
	enum waiter_mode mode;
	bool has_timeout;
	uint64_t timeout_ns;
};

/* Element I of `ids`, a child that is not named twice.  NULL with E filled. */
static struct child *
child_at(const struct request *rq, const msgpack_object_array *ids, uint32_t i,
    uint64_t mark, struct err *e)
{
	const msgpack_object *o = &ids->ptr[i];
	struct child *c;
	char key[24];

	snprintf(key, sizeof(key), "ids[%u]", i);
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
		err_key(e, key, "\"%s\" must be an id", key);
		return NULL;
	}
	c = request_find(rq, o->via.u64, key, e);
	if (c == NULL)
		return NULL;
	if (c->mark == mark) {
		err_key(e, key, "\"%s\": child %ju is there twice", key,
		    (uintmax_t)c->id);
		return NULL;
	}
	c->mark = mark;
	return c;
}

static int
read_which(const struct request *rq, struct map *m, struct wait *w,
    struct err *e)
{
	struct bytes of;
	uint64_t id;
	int one, some, whose;

	one = map_uint(m, "id", MAP_OPTIONAL, UINT64_MAX, &id);
	some = map_array(m, "ids", MAP_OPTIONAL, WAITER_MAX, &w->ids);
	whose = map_str(m, "of", MAP_OPTIONAL, 16, &of);
	if (one == -1 || some == -1 || whose == -1)
		return -1;
	if (one + some + whose != 1)
		return err_key(e, "id",
		    "exactly one of \"id\", \"ids\" and \"of\" must be there, "
		    "not %d",
		    one + some + whose);
	if (one == 1) {
		w->one = request_find(rq, id, "id", e);
		return w->one != NULL ? 0 : -1;
	}
	w->mine = whose == 1 && bytes_eq(of, "connection");
	w->all = whose == 1 && bytes_eq(of, "user");
	if (whose == 1 && !w->mine && !w->all)
		return err_key(e, "of",
		    "\"of\" must be \"connection\" or \"user\"");
	return 0;
}

static int
read_mode(struct map *m, struct wait *w)
{
	struct bytes mode;
	int r = map_str(m, "mode", MAP_OPTIONAL, 16, &mode);

	if (r == -1)
		return -1;
	if (r == 1 && w->one != NULL)
		return err_key(m->e, "mode",
		    "\"mode\" does not go with \"id\"");
	if (r == 1 && !bytes_eq(mode, "all") && !bytes_eq(mode, "any"))
		return err_key(m->e, "mode",
		    "\"mode\" must be \"all\" or \"any\"");
	w->mode = w->one != NULL            ? WAITER_ONE :
	    r == 1 && bytes_eq(mode, "any") ? WAITER_ANY :
					      WAITER_ALL;
	return 0;
}

static int
read_wait(const struct request *rq, struct wait *w, struct err *e)
{
	struct map m;
	int r;

	*w = (struct wait){ 0 };
	if (map_init(&m, rq->params, "", e) == -1 ||
	    read_which(rq, &m, w, e) == -1 || read_mode(&m, w) == -1)
		return -1;
	r = map_uint(&m, "timeout_ns", MAP_OPTIONAL, TIMEOUT_MAX_NS,
	    &w->timeout_ns);
	w->has_timeout = r == 1;
	return r == -1 ? -1 : map_end(&m);
}

static bool
covers(const struct request *rq, const struct wait *w, const struct child *c)
{
	if (w->mine)
		return c->owner == rq->client->id;
	return c->uid == rq->client->account.uid;
}

static size_t
count(const struct request *rq, const struct wait *w)
{
	const struct child *c;
	size_t n = 0;

	if (w->one != NULL)
		return 1;
	if (w->ids != NULL)
		return w->ids->size;
	TAILQ_FOREACH(c, &rq->srv->children.live, link)
	n += covers(rq, w, c);
	return n;
}

static int
add_all(const struct request *rq, const struct wait *w, struct waiter *wt,
    struct err *e)
{
	struct children *cs = &rq->srv->children;
	uint64_t mark = ++cs->last_mark;
	struct child *c;

	if (w->one != NULL)
		waiter_add(wt, w->one);
	for (uint32_t i = 0; w->ids != NULL && i < w->ids->size; i++) {
		c = child_at(rq, w->ids, i, mark, e);
		if (c == NULL)
			return -1;
		waiter_add(wt, c);
	}
	if (w->mine || w->all)
		TAILQ_FOREACH(c, &cs->live, link)
	if (covers(rq, w, c))
		waiter_add(wt, c);
	return 0;
}

int
method_wait(struct request *rq, struct err *e)
{
	struct waiter *wt;
	struct wait w;

	if (read_wait(rq, &w, e) == -1)
		return -1;
	wt = waiter_new(rq, w.mode, count(rq, &w), e);
	if (wt == NULL)
		return -1;
	if (add_all(rq, &w, wt, e) == -1) {
		waiter_free(wt);
		return -1;
	}
	waiter_begin(wt, w.has_timeout, w.timeout_ns);
	return 0;
}
