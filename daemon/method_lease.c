/*
 * method_lease: attach, detach: whose a child is, after its spawn.
 */
#include "daemon/asker.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/dispatch.h"
#include "daemon/lease.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "proto/map.h"

static int
must_live(const struct child *c, struct err *e)
{
	if (c->state == CHILD_ENDED)
		return err_set(e, ERR_NOT_RUNNING, "child %ju has ended",
		    (uintmax_t)c->id);
	/* Its end is nobody's affair. */
	if (c->answered && !c->succeeded)
		return err_set(e, ERR_NOT_RUNNING,
		    "child %ju has failed to start", (uintmax_t)c->id);
	return 0;
}

int
method_attach(struct request *rq, struct err *e)
{
	struct map m;
	struct child *c = request_child(rq, &m, e);
	bool want_pidfd = false;

	if (c == NULL ||
	    map_bool(&m, "pidfd", MAP_OPTIONAL, &want_pidfd) == -1 ||
	    map_end(&m) == -1 || must_live(c, e) == -1)
		return -1;
	/* It would be leased, and not cancelled with the others. */
	if (rq->srv->drain.active)
		return err_set(e, ERR_DRAINING, "the daemon is shutting down");
	if (!c->answered && asker_add(c, rq, want_pidfd, e) == -1)
		return -1;
	lease_move(c, rq->client);
	if (c->answered)
		spawn_reply_again(c, rq, want_pidfd);
	return 0;
}

int
method_detach(struct request *rq, struct err *e)
{
	struct map m;
	struct child *c = request_child(rq, &m, e);

	if (c == NULL || map_end(&m) == -1 || must_live(c, e) == -1)
		return -1;
	lease_let_go(c, rq->client->id);
	request_done(rq);
	return 0;
}
