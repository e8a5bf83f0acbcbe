#include "daemon/waiter.h"

#include <ev.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/record.h"
#include "daemon/server.h"

struct waiter {
	LIST_ENTRY(waiter) link;
	struct child *child;
	uint64_t conn;
	uint32_t request;
	ev_timer timeout;
};

static void
waiter_free(struct waiter *w)
{
	struct server *srv = w->child->srv;
	struct client *cl = client_find(srv, w->conn);

	if (cl != NULL)
		cl->waits--;
	ev_timer_stop(srv->loop, &w->timeout);
	LIST_REMOVE(w, link);
	free(w);
}

static void
fail(struct waiter *w, const struct err *e)
{
	struct client *cl = client_find(w->child->srv, w->conn);

	if (cl != NULL)
		dispatch_error(cl, w->request, e);
	waiter_free(w);
}

static void
timeout_cb(struct ev_loop *loop, ev_timer *t, int events)
{
	static const struct err e = {
		.code = ERR_TIMEOUT,
		.msg = "the child has not ended in time",
	};

	(void)loop;
	(void)events;
	fail(t->data, &e);
}

int
waiter_add(struct child *c, const struct request *rq, bool has_timeout,
    uint64_t timeout_ns, struct err *e)
{
	struct waiter *w;

	if (rq->client->waits >= WAITER_MAX)
		return err_set(e, ERR_LIMIT,
		    "%d waits of this connection are "
		    "unanswered",
		    WAITER_MAX);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return err_set(e, ERR_SYSTEM, "no memory for a wait");
	w->child = c;
	w->conn = rq->client->id;
	w->request = rq->id;
	ev_init(&w->timeout, timeout_cb);
	w->timeout.data = w;
	LIST_INSERT_HEAD(&c->waiters, w, link);
	rq->client->waits++;
	if (has_timeout)
		clock_arm(c->srv->loop, &w->timeout, timeout_ns);
	return 0;
}

void
waiter_answer_all(struct child *c)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&c->waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		record_answer(c, w->conn, w->request);
		waiter_free(w);
	}
}

void
waiter_fail_all(struct child *c, const struct err *e)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&c->waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		fail(w, e);
	}
}

void
waiter_forget(struct child *c, uint64_t conn)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&c->waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		if (w->conn == conn)
			waiter_free(w);
	}
}

void
waiter_forget_all(struct child *c)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&c->waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		waiter_free(w);
	}
}
