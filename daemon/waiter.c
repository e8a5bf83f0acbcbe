#include "daemon/waiter.h"

#include <ev.h>
#include <stdlib.h>

#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "proto/buffer.h"
#include "proto/pack.h"
#include "proto/spare.h"

struct waiter {
	LIST_ENTRY(waiter) link;
	struct server *srv;
	uint64_t conn;
	uint32_t request;
	enum waiter_mode mode;
	ev_timer timeout;
	msgpack_sbuffer records; /* of those that have ended, one by one */
	size_t ended;            /* how many these are */
	size_t left;             /* bytes of outcomes that they may yet take */
	size_t pending;          /* places that are taken */
	size_t n, max;
	struct waiter_place places[];
};

#define SIZE(n) (sizeof(struct waiter) + (n) * sizeof(struct waiter_place))

static struct spare singles; /* those for one child */

static void
leave(struct waiter_place *p)
{
	if (!p->taken)
		return;
	p->taken = false;
	p->waiter->pending--;
	TAILQ_REMOVE(&child_find(p->waiter->srv, p->child)->waiters, p, link);
}

void
waiter_free(struct waiter *w)
{
	struct client *cl = client_find(w->srv, w->conn);

	for (size_t i = 0; i < w->n; i++)
		leave(&w->places[i]);
	if (cl != NULL) {
		cl->waits -= w->max;
		cl->wait_bytes -= w->records.size;
	}
	ev_timer_stop(w->srv->loop, &w->timeout);
	LIST_REMOVE(w, link);
	buffer_fini(&w->records);
	if (w->max != 1 || !spare_keep(&singles, w))
		free(w);
}

static void
pack_pending(const struct waiter *w, msgpack_packer *pk, struct pack_map *m)
{
	pack_key(pk, m, "pending");
	msgpack_pack_array(pk, w->pending);
	for (size_t i = 0; i < w->n; i++)
		if (w->places[i].taken)
			msgpack_pack_uint64(pk, w->places[i].child);
}

static void
fail(struct waiter *w, const struct err *e)
{
	struct client *cl = client_find(w->srv, w->conn);

	if (cl != NULL)
		dispatch_error(cl, w->request, e);
	waiter_free(w);
}

static void
answer(struct waiter *w)
{
	struct msg_out o;
	struct pack_map m;
	struct err e;

	msg_out_init(&o);
	msg_begin_result(&o, w->request);
	pack_map_begin(&o.pk, &m);
	pack_key(&o.pk, &m, "records");
	msgpack_pack_array(&o.pk, w->ended);
	pack_append(&o.pk, &w->records);
	pack_pending(w, &o.pk, &m);
	pack_map_end(&m);
	if (record_answer_fits(&o, &e) == -1) {
		msg_out_fini(&o);
		fail(w, &e);
		return;
	}
	client_put_id(w->srv, w->conn, &o);
	waiter_free(w);
}

/* Who waits for several is told which are left. */
static void
out_of_time(struct waiter *w)
{
	struct msg_out o;
	struct pack_map m;
	char msg[64];

	if (w->mode == WAITER_ONE)
		snprintf(msg, sizeof(msg), "the child has not ended in time");
	else
		snprintf(msg, sizeof(msg),
		    "%zu of %zu children have not ended in time", w->pending,
		    w->pending + w->ended);
	msg_out_init(&o);
	msg_begin_error(&o, w->request);
	pack_map_begin(&o.pk, &m);
	pack_kv_str(&o.pk, &m, "code", err_name(ERR_TIMEOUT));
	pack_kv_str(&o.pk, &m, "message", msg);
	if (w->mode != WAITER_ONE)
		pack_pending(w, &o.pk, &m);
	pack_map_end(&m);
	client_put_id(w->srv, w->conn, &o);
	waiter_free(w);
}

static void
timeout_cb(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	out_of_time(t->data);
}

struct waiter *
waiter_new(const struct request *rq, enum waiter_mode mode, size_t n,
    struct err *e)
{
	struct client *cl = rq->client;
	struct waiter *w;

	if (n > WAITER_MAX || cl->waits + n > WAITER_MAX) {
		err_set(e, ERR_LIMIT,
		    "the waits of this connection would be for more than %d "
		    "children",
		    WAITER_MAX);
		return NULL;
	}
	w = n == 1 ? spare_zero(&singles, SIZE(1)) : calloc(1, SIZE(n));
	if (w == NULL) {
		err_memory(e, "a wait");
		return NULL;
	}
	w->srv = rq->srv;
	w->conn = cl->id;
	w->request = rq->id;
	w->mode = mode;
	w->max = n;
	w->left = RECORDS_TOLD_MAX;
	msgpack_sbuffer_init(&w->records);
	ev_init(&w->timeout, timeout_cb);
	w->timeout.data = w;
	LIST_INSERT_HEAD(&rq->srv->children.waiters, w, link);
	cl->waits += n;
	return w;
}

/* The records wait here for the others: what they may take together is bounded
 * as what is on its way out is. */
static void
keep_record(struct waiter *w, const struct child *c)
{
	struct client *cl = client_find(w->srv, w->conn);
	size_t before = w->records.size;
	msgpack_packer pk;

	if (cl == NULL ||
	    cl->wait_bytes > w->srv->cfg->server.max_queued_bytes / 4)
		w->left = 0;
	pack_init(&pk, &w->records);
	record_pack(c, record_share(c, &w->left), false, &pk);
	w->ended++;
	if (cl != NULL)
		cl->wait_bytes += w->records.size - before;
}

/* In the place of a record. */
static void
keep_error(struct waiter *w, uint64_t id, const struct err *why)
{
	struct client *cl = client_find(w->srv, w->conn);
	size_t before = w->records.size;
	struct pack_map m, em;
	msgpack_packer pk;

	pack_init(&pk, &w->records);
	pack_map_begin(&pk, &m);
	pack_kv_uint(&pk, &m, "id", id);
	pack_key(&pk, &m, "error");
	pack_map_begin(&pk, &em);
	pack_kv_str(&pk, &em, "code", err_name(why->code));
	pack_kv_text(&pk, &em, "message", why->msg);
	pack_map_end(&em);
	pack_map_end(&m);
	w->ended++;
	if (cl != NULL)
		cl->wait_bytes += w->records.size - before;
}

void
waiter_add(struct waiter *w, struct child *c)
{
	struct waiter_place *p = &w->places[w->n++];

	*p = (struct waiter_place){ .waiter = w, .child = c->id };
	if (c->state != CHILD_ENDED) {
		p->taken = true;
		w->pending++;
		TAILQ_INSERT_TAIL(&c->waiters, p, link);
	} else if (w->mode != WAITER_ONE) {
		keep_record(w, c);
	}
}

/* Whether there is nothing more to wait for. */
static bool
satisfied(const struct waiter *w)
{
	return w->pending == 0 || (w->mode == WAITER_ANY && w->ended > 0);
}

void
waiter_begin(struct waiter *w, bool has_timeout, uint64_t timeout_ns)
{
	if (satisfied(w) && w->mode == WAITER_ONE) {
		record_answer(child_find(w->srv, w->places[0].child), w->conn,
		    w->request);
		waiter_free(w);
	} else if (satisfied(w)) {
		answer(w);
	} else if (has_timeout) {
		clock_arm(w->srv->loop, &w->timeout, timeout_ns);
	}
}

void
waiter_child_over(struct child *c)
{
	struct waiter_place *p;

	while ((p = TAILQ_FIRST(&c->waiters)) != NULL) {
		struct waiter *w = p->waiter;

		leave(p);
		if (w->mode == WAITER_ONE) {
			record_answer(c, w->conn, w->request);
			waiter_free(w);
			continue;
		}
		keep_record(w, c);
		if (satisfied(w))
			answer(w);
	}
}

void
waiter_child_dropped(struct child *c, const struct err *why)
{
	struct waiter_place *p;

	while ((p = TAILQ_FIRST(&c->waiters)) != NULL) {
		struct waiter *w = p->waiter;

		leave(p);
		if (w->mode == WAITER_ONE) {
			fail(w, why);
			continue;
		}
		keep_error(w, c->id, why);
		if (satisfied(w))
			answer(w);
	}
}

void
waiter_client_gone(struct server *srv, uint64_t conn)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&srv->children.waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		if (w->conn == conn)
			waiter_free(w);
	}
}

void
waiter_fini(struct server *srv)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&srv->children.waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		waiter_free(w);
	}
}
