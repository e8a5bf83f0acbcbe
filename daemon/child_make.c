#include "daemon/child_make.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/child_end.h"
#include "daemon/child_limit.h"
#include "daemon/children.h"
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/server.h"
#include "proto/spare.h"

#define OUTCOME_KEEP 1024 /* bytes of room that one is kept with */

static struct spare spare;

/* A child all zero, with an empty outcome, which has the room that it had. */
static struct child *
take(void)
{
	struct child *c = spare_take(&spare);
	msgpack_sbuffer room;

	if (c == NULL)
		return calloc(1, sizeof(*c));
	room = c->outcome_raw;
	*c = (struct child){ .outcome_raw = room };
	msgpack_sbuffer_clear(&c->outcome_raw);
	return c;
}

/* A copy of B: in C where it fits there, else in *MADE, which is NULL before. */
static char *
keep_text(struct child *c, struct bytes b, char **made)
{
	char *p = c->texts + c->texts_used;

	if (b.n >= sizeof(c->texts) - c->texts_used)
		return *made = bytes_dup(b);
	if (b.n > 0)
		memcpy(p, b.p, b.n);
	p[b.n] = '\0';
	c->texts_used += b.n + 1;
	return p;
}

struct child *
child_make(const struct request *rq, const struct spawn *s, struct template *t,
    struct err *e)
{
	struct child *c = take();

	if (c == NULL) {
		err_memory(e, "a child");
		return NULL;
	}
	c->srv = rq->srv;
	c->uid = rq->client->account.uid;
	c->asker = rq->client->id;
	c->contain = s->contain;
	c->want = s->start;
	c->grace_ns = s->has_grace ? s->grace_ns :
				     rq->srv->cfg->server.grace_ns;
	c->timeout_ns = s->timeout_ns;
	c->start_timeout_ns = s->start_timeout_ns;
	c->hang.limit_ns = s->on_hang_ns;
	c->templ = t;
	c->pidfd = c->child_end = -1;
	c->at.read = rq->read_ns;
	STAILQ_INIT(&c->askers);
	TAILQ_INIT(&c->waiters);
	child_end_init(c);
	child_limit_init(c);
	hang_init(c);
	c->entry = keep_text(c, bytes_cut(s->target, CHILD_ENTRY_SHOWN),
	    &c->made_entry);
	c->title = s->title.n > 0 ? keep_text(c, s->title, &c->made_title) :
				    NULL;
	if (c->entry != NULL && (c->title != NULL || s->title.n == 0))
		return c;
	err_memory(e, "a child");
	child_unmake(c);
	return NULL;
}

void
child_unmake(struct child *c)
{
	free(c->made_entry);
	free(c->made_title);
	msgpack_sbuffer_destroy(&c->hang.raw);
	if (c->outcome_raw.alloc > OUTCOME_KEEP) {
		msgpack_sbuffer_destroy(&c->outcome_raw);
		msgpack_sbuffer_init(&c->outcome_raw);
	}
	if (spare_keep(&spare, c))
		return;
	msgpack_sbuffer_destroy(&c->outcome_raw);
	free(c);
}
