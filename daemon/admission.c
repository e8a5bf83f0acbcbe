#include "daemon/admission.h"

#include "daemon/capture.h"
#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/exhausted.h"
#include "daemon/server.h"

/* Jobs that children have not read yet, of all clients together. */
#define JOBS_MAX (UINT64_C(256) << 20)
/* Nobody knows when others will be done: a guess that floods nobody. */
#define HINT_NS (NS_PER_S / 10)

static int
refuse(struct err *e, enum err_code code, const char *resource,
    uint64_t retry_ns)
{
	e->code = code;
	e->resource = resource;
	e->retry_ns = retry_ns;
	return -1;
}

int
admission_busy(struct err *e, const char *resource)
{
	return refuse(e, ERR_BUSY, resource, HINT_NS);
}

/* USED of MAX are taken by all together. */
static int
room(uint64_t used, uint64_t max, const char *resource, const char *what,
    struct err *e)
{
	if (used < max)
		return 0;
	err_set(e, ERR_BUSY, "%ju %s, no more are allowed", (uintmax_t)used,
	    what);
	return admission_busy(e, resource);
}

/* ... by the user alone. */
static int
share(const struct user *u, uint64_t used, uint64_t max, const char *resource,
    const char *what, struct err *e)
{
	if (!u->guest || used < max)
		return 0;
	err_set(e, ERR_LIMIT,
	    "uid %ju: %ju %s, no more are allowed to one user",
	    (uintmax_t)u->uid, (uintmax_t)used, what);
	return refuse(e, ERR_LIMIT, resource, HINT_NS);
}

/* PER_S a second, and as many at once as there may be in one.  *FULL_NS is when
 * that many are free again; 0, or how long until one is. */
static uint64_t
wait_for(uint64_t per_s, uint64_t full_ns, uint64_t now)
{
	uint64_t each, burst, next;

	if (per_s == 0)
		return 0;
	each = NS_PER_S / per_s;
	burst = each > NS_PER_S ? each : NS_PER_S;
	next = (full_ns > now ? full_ns : now) + each;
	return next > now + burst ? next - now - burst : 0;
}

static void
count_one(uint64_t per_s, uint64_t *full_ns, uint64_t now)
{
	if (per_s > 0)
		*full_ns = (*full_ns > now ? *full_ns : now) + NS_PER_S / per_s;
}

static int
rate(struct server *srv, struct user *u, struct err *e)
{
	const struct config_server *cfg = &srv->cfg->server;
	uint64_t now = clock_ns();
	uint64_t own = u->guest ?
	    wait_for(cfg->user_spawn_rate, u->spawns_ns, now) :
	    0;
	uint64_t all = wait_for(cfg->max_spawn_rate, srv->users.spawns_ns, now);

	if (own > 0) {
		err_set(e, ERR_LIMIT, "uid %ju: more than %ju spawns a second",
		    (uintmax_t)u->uid, (uintmax_t)cfg->user_spawn_rate);
		return refuse(e, ERR_LIMIT, "spawns", own);
	}
	if (all > 0) {
		err_set(e, ERR_BUSY, "more than %ju spawns a second",
		    (uintmax_t)cfg->max_spawn_rate);
		return refuse(e, ERR_BUSY, "spawns", all);
	}
	if (u->guest)
		count_one(cfg->user_spawn_rate, &u->spawns_ns, now);
	count_one(cfg->max_spawn_rate, &srv->users.spawns_ns, now);
	return 0;
}

int
admission_client(const struct client *c, struct err *e)
{
	const struct config_server *cfg = &c->srv->cfg->server;

	if (share(c->user, c->user->clients, cfg->user_clients, "clients",
		"connections are there", e) == -1 ||
	    exhausted_descriptors(e) == -1)
		return -1;
	return room(c->srv->clients.n, cfg->max_clients, "clients",
	    "connections are there", e);
}

int
admission_request(const struct client *c, struct err *e)
{
	const struct config_server *cfg = &c->srv->cfg->server;

	if (share(c->user, c->user->requests - 1, cfg->user_requests,
		"requests", "requests are not answered yet", e) == -1)
		return -1;
	return room(c->srv->users.requests - 1, cfg->max_requests, "requests",
	    "requests are not answered yet", e);
}

int
admission_spawn(const struct request *rq, const struct spawn *s, struct err *e)
{
	const struct config_server *cfg = &rq->srv->cfg->server;
	const size_t *count = rq->srv->children.count;
	struct user *u = rq->client->user;

	if (rq->srv->drain.active)
		return err_set(e, ERR_DRAINING, "the daemon is shutting down");
	if (share(u, u->children, cfg->user_children, "children",
		"children are alive", e) == -1 ||
	    share(u, u->starting, cfg->user_starting, "starting",
		"children are about to start", e) == -1 ||
	    share(u, u->spawn_bytes + capture_wants(&s->capture),
		cfg->user_buffered, "bytes",
		"bytes of jobs and captured output", e) == -1 ||
	    room(children_live(rq->srv), cfg->max_children, "children",
		"children are alive", e) == -1 ||
	    room(count[CHILD_QUEUED] + count[CHILD_STARTING], cfg->max_starting,
		"starting", "children are about to start", e) == -1 ||
	    room(child_ctl_waiting(), JOBS_MAX, "bytes",
		"bytes of jobs wait for their children", e) == -1 ||
	    (capture_admit(&s->capture, e) == -1 &&
		admission_busy(e, "bytes") == -1) ||
	    exhausted_descriptors(e) == -1)
		return -1;
	return rate(rq->srv, u, e);
}

int
admission_bytes(const struct client *c, struct err *e)
{
	const struct config_server *cfg = &c->srv->cfg->server;
	const struct users *us = &c->srv->users;

	if (share(c->user, c->user->bytes, cfg->user_buffered, "bytes",
		"bytes are buffered", e) == -1)
		return -1;
	/* Who has no more than an equal part is not to blame. */
	if (c->user->bytes <= cfg->max_buffered / us->by_uid.n)
		return 0;
	return room(us->bytes, cfg->max_buffered, "bytes", "bytes are buffered",
	    e);
}
