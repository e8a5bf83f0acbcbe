#include "daemon/notify.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "daemon/clock.h"
#include "daemon/lane.h"
#include "daemon/server.h"
#include "daemon/tenants.h"

#define STATUS_MAX 512

/* A loop that is stuck lets the watchdog's time pass. */
static void
watchdog_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
	sd_notify(0, "WATCHDOG=1");
}

void
notify_init(struct server *srv)
{
	ev_timer *w = &srv->notify.watchdog;
	uint64_t us;

	ev_init(w, watchdog_cb);
	if (sd_watchdog_enabled(0, &us) <= 0)
		return;
	/* Twice within the time, and room for a loop that has much to do. */
	ev_timer_set(w, 0., (double)us / 3e6);
	ev_timer_start(srv->loop, w);
}

void
notify_fini(struct server *srv)
{
	ev_timer_stop(srv->loop, &srv->notify.watchdog);
}

/* Their owners look after them. */
static bool
is_of_users(const struct template *t)
{
	return t->tenant || tenant_is_pattern(t);
}

void
notify_ready(struct server *srv)
{
	notify_status(srv);
	sd_notify(0, "READY=1");
}

void
notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%ju\nSTATUS=Reloading",
	    (uintmax_t)(clock_ns() / 1000));
}

void
notify_stopping(struct server *srv)
{
	sd_notifyf(0, "STOPPING=1\nSTATUS=Ending %zu children",
	    srv->children.leased);
}

/* Each whose last generation did not come, and the one that serves instead. */
static void
list_failed(struct server *srv, FILE *f)
{
	const struct template *t;
	const char *before = "; failed: ";

	TAILQ_FOREACH(t, &srv->templates.list, link)
	{
		const struct zygote *z = template_zygote(t);
		bool instead = t->renewal.failed != 0 && z != NULL &&
		    z->state == ZYGOTE_READY;

		if (is_of_users(t) || !(template_fails(t) || instead))
			continue;
		fprintf(f, "%s%s", before, template_name(t));
		if (instead)
			fprintf(f, " (gen %ju serves)",
			    (uintmax_t)z->generation);
		before = ", ";
	}
}

void
notify_status(struct server *srv)
{
	const struct err *wrong = &srv->reloads.wrong;
	const struct template *t;
	char more[STATUS_MAX] = "";
	size_t n = 0, ready = 0;
	FILE *f;

	if (srv->drain.phase == DRAIN_WAITING)
		sd_notifyf(0, "STATUS=Draining, %zu children left",
		    children_live(srv));
	if (srv->drain.active || srv->reloads.told)
		return;
	TAILQ_FOREACH(t, &srv->templates.list, link)
	{
		if (is_of_users(t))
			continue;
		n++;
		ready += template_state(t) == LANE_READY;
	}
	f = fmemopen(more, sizeof(more), "w");
	if (f != NULL) {
		list_failed(srv, f);
		if (wrong->code != ERR_NONE)
			fprintf(f, "; reload refused: %s", wrong->msg);
		fclose(f);
	}
	sd_notifyf(0, "STATUS=%zu of %zu templates ready, on %s%s", ready, n,
	    srv->listener.path, more);
}
