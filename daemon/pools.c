#include "daemon/pools.h"

#include "daemon/clock.h"
#include "daemon/server.h"

#define WEIGH_EACH_NS NS_PER_S /* at most, of a pool: siblings are alike */

static void
pressure_tell(void *arg, bool high)
{
	struct templates *ts = &((struct server *)arg)->templates;

	for (size_t i = 0; i < ts->n; i++)
		if (high)
			pool_scarce(&ts->v[i].pool);
		else
			pool_plenty(&ts->v[i].pool);
}

/* KEY is the template's number.  One that has got a job meanwhile is no standby
 * any more. */
static void
weigher_tell(void *arg, uint64_t key, pid_t pid, uint64_t kb)
{
	struct pool *p = &((struct server *)arg)->templates.v[key].pool;
	const struct standby *sb = pool_by_pid(p, pid);

	if (sb != NULL && sb->state == STANDBY_READY)
		p->private_kb = kb;
}

int
pools_init(struct server *srv, struct err *e)
{
	pressure_init(&srv->pools.pressure, srv->loop, pressure_tell, srv);
	pressure_open(&srv->pools.pressure);
	return weigher_init(&srv->pools.weigher, srv->loop, weigher_tell, srv,
	    e);
}

void
pools_fini(struct server *srv)
{
	pressure_fini(&srv->pools.pressure);
	weigher_fini(&srv->pools.weigher);
}

void
pools_weigh(struct pool *p, const struct standby *sb)
{
	struct server *srv = p->srv;
	uint64_t now = clock_ns();

	if (p->weighed_ns != 0 && now - p->weighed_ns < WEIGH_EACH_NS)
		return;
	p->weighed_ns = now;
	weigher_ask(&srv->pools.weigher, p->lane->t - srv->templates.v,
	    sb->pid);
}
