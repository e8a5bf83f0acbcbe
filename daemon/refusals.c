#include "daemon/refusals.h"

#include <stdint.h>

#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/server.h"

#define WINDOW_NS (10 * NS_PER_S)
#define TOLD_MAX 20 /* in that time */

static void
tell_held(struct refusals *r)
{
	if (r->held > 0)
		log_warn("op=refuse: %u more within %d s were not told of",
		    r->held, (int)(WINDOW_NS / NS_PER_S));
	r->told = r->held = 0;
}

static void
window_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	tell_held(w->data);
}

void
refusals_init(struct server *srv)
{
	struct refusals *r = &srv->refusals;

	*r = (struct refusals){ 0 };
	ev_init(&r->window, window_cb);
	r->window.data = r;
}

void
refusals_fini(struct server *srv)
{
	ev_timer_stop(srv->loop, &srv->refusals.window);
	tell_held(&srv->refusals);
}

void
refusals_log(const struct client *c, const char *what, const char *why)
{
	struct refusals *r = &c->srv->refusals;

	if (r->told >= TOLD_MAX) {
		r->held++;
		return;
	}
	if (r->told++ == 0)
		clock_arm(c->srv->loop, &r->window, WINDOW_NS);
	log_warn("conn=%ju pid=%d uid=%ju op=refuse what=%s: %s",
	    (uintmax_t)c->id, (int)c->pid, (uintmax_t)c->account.uid, what,
	    why);
}
