#include "daemon/pulse.h"

#include "daemon/clock.h"
#include "daemon/server.h"
#include "daemon/zygote.h"
#include "daemon/zygote_says.h"
#include "proto/pack.h"

static void
ask(struct zygote *z)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_request(&o, ZYGOTE_PING_ID, "ping");
	pack_map_begin(&o.pk, &m);
	pack_map_end(&m);
	z->asked = true;
	zygote_put(z, &o);
}

static void
kill_silent(struct zygote *z)
{
	struct err e;

	err_set(&e, ERR_TEMPLATE_FAILED, "it did not answer for %g s",
	    (double)z->srv->cfg->server.zygote_ns / NS_PER_S);
	zygote_kill(z, &e);
}

void
pulse_start(struct zygote *z)
{
	uint64_t ns = z->srv->cfg->server.zygote_ns;

	z->heard = z->asked = false;
	if (ns > 0)
		clock_arm(z->srv->loop, &z->timer, ns);
}

void
pulse_beat(struct zygote *z)
{
	/* It may have answered while it was us who stood still. */
	zygote_hear(z);
	if (z->state != ZYGOTE_READY)
		return;
	/* Whatever it says is a sign of life: behind a hundred forks the answer
	 * to a ping comes late. */
	if (z->heard) {
		pulse_start(z);
	} else if (z->asked) {
		kill_silent(z);
	} else {
		clock_arm(z->srv->loop, &z->timer,
		    z->srv->cfg->server.zygote_ns);
		ask(z);
	}
}
