#include "daemon/asker.h"

#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/dispatch.h"
#include "proto/spare.h"

static struct spare spare;

int
asker_add(struct child *c, const struct request *rq, bool want_pidfd,
    struct err *e)
{
	struct asker *a;
	unsigned n = 0;

	STAILQ_FOREACH(a, &c->askers, link)
	n++;
	if (n >= ASKERS_MAX)
		return err_set(e, ERR_LIMIT,
		    "%u requests wait for the start of child %ju", n,
		    (uintmax_t)c->id);
	a = spare_zero(&spare, sizeof(*a));
	if (a == NULL)
		return err_memory(e, "a child's asker");
	*a = (struct asker){
		.conn = rq->client->id,
		.request = rq->id,
		.want_pidfd = want_pidfd,
	};
	STAILQ_INSERT_TAIL(&c->askers, a, link);
	return 0;
}

void
asker_client_gone(struct child *c, uint64_t conn)
{
	struct asker *a;

	STAILQ_FOREACH(a, &c->askers, link)
	a->gone = a->gone || a->conn == conn;
}

bool
asker_waits(const struct child *c)
{
	const struct asker *a;

	STAILQ_FOREACH(a, &c->askers, link)
	if (!a->gone)
		return true;
	return false;
}

struct asker *
asker_take(struct child *c)
{
	struct asker *a = STAILQ_FIRST(&c->askers);

	if (a != NULL)
		STAILQ_REMOVE_HEAD(&c->askers, link);
	return a;
}

void
asker_free(struct asker *a)
{
	spare_free(&spare, a);
}

void
asker_fini(struct child *c)
{
	struct asker *a;

	while ((a = asker_take(c)) != NULL)
		asker_free(a);
}
