#include "daemon/gather.h"

#include "daemon/lane.h"
#include "daemon/server.h"

void
gather_forget(struct lane *l)
{
	if (!l->gathered)
		return;
	l->gathered = false;
	TAILQ_REMOVE(&l->t->srv->gather.lanes, l, gather);
}

static void
serve_all(struct gather *g)
{
	struct lane *l;

	while ((l = TAILQ_FIRST(&g->lanes)) != NULL) {
		gather_forget(l);
		lane_serve(l);
	}
}

/* Before the loop waits again, and before it looks which descriptors and timers
 * it is to wait for. */
static void
end_cb(struct ev_loop *loop, ev_prepare *w, int events)
{
	(void)events;
	serve_all(w->data);
	ev_prepare_stop(loop, w);
}

void
gather_init(struct server *srv)
{
	struct gather *g = &srv->gather;

	TAILQ_INIT(&g->lanes);
	ev_prepare_init(&g->end, end_cb);
	g->end.data = g;
}

void
gather_fini(struct server *srv)
{
	ev_prepare_stop(srv->loop, &srv->gather.end);
}

void
gather_lane(struct lane *l)
{
	struct server *srv = l->t->srv;

	if (l->gathered)
		return;
	l->gathered = true;
	TAILQ_INSERT_TAIL(&srv->gather.lanes, l, gather);
	ev_prepare_start(srv->loop, &srv->gather.end);
}
