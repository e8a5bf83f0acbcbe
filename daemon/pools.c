#include "daemon/pools.h"

#include "daemon/clock.h"
#include "daemon/server.h"

#define WEIGH_EACH_NS NS_PER_S /* at most, of a pool: siblings are alike */

static void
pressure_tell(void *arg, bool high)
{
	struct server *srv = arg;
	struct template *t;

	TAILQ_FOREACH(t, &srv->templates.list, link)
	if (high)
		pool_scarce(&t->pool);
	else
		pool_plenty(&t->pool);
}

/* KEY is the template's number.  One that has got a job meanwhile is no standby
 * any more. */
static void
weigher_tell(void *arg, uint64_t key, pid_t pid, uint64_t kb)
{
	struct template *t = template_by_number(arg, key);
	const struct standby *sb = t != NULL ? pool_by_pid(&t->pool, pid) :
					       NULL;

	if (sb != NULL && sb->state == STANDBY_READY)
		t->pool.private_kb = kb;
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
	weigher_ask(&srv->pools.weigher, p->lane->t->number, sb->pid);
}
