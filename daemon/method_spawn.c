/*
 * method_spawn: from the request to a child that is queued or ordered.  Owns
 * the fate of the descriptors that came with one.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/admission.h"
#include "daemon/asker.h"
#include "daemon/capture.h"
#include "daemon/child_ctl.h"
#include "daemon/child_end.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/dispatch.h"
#include "daemon/fdcloser.h"
#include "daemon/lease.h"
#include "daemon/limits_ask.h"
#include "daemon/record.h"
#include "daemon/readiness.h"
#include "daemon/refusals.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "daemon/templates.h"
#include "daemon/tenants.h"
#include "proto/map.h"
#include "proto/spawn.h"

/* What a spawn claims though its params are wrong elsewhere: without this its
 * descriptors would be taken for the next frame's. */
static unsigned
claimed(const msgpack_object *params)
{
	const msgpack_object_array *a = NULL;
	struct map m;
	struct err ignored;

	if (map_init(&m, params, "", &ignored) == -1 ||
	    map_array(&m, "fds", MAP_OPTIONAL, SIZE_MAX, &a) != 1)
		return 0;
	return a->size < MSG_MAX_FDS ? a->size : MSG_MAX_FDS;
}

static void
drop(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fdcloser_close(fds[i]);
}

/* Closes the first N of the queued descriptors, or all that are there. */
static void
drop_fds(struct stream *st, unsigned n)
{
	int fds[2 * MSG_MAX_FDS];
	struct err ignored;

	if (n > st->ninfds)
		n = st->ninfds;
	if (stream_take_fds(st, n, fds, &ignored) == -1)
		return;
	drop(fds, n);
}

static int
read_request(struct request *rq, struct spawn *s, int *fds, struct err *e)
{
	struct stream *st = &rq->client->st;

	if (spawn_read(s, rq->params, e) == -1) {
		drop_fds(st, claimed(rq->params));
		return -1;
	}
	if (stream_take_fds(st, s->nfds, fds, e) == 0)
		return 0;
	drop_fds(st, st->ninfds);
	return -1;
}

/* Takes FDS, which has room for SPAWN_JOB_FDS, in every case. */
static int
open_job(const struct request *rq, struct child *c, struct spawn *s, int *fds,
    struct err *e)
{
	int r = capture_open(c, s, fds, e);

	if (r == 0)
		r = readiness_open(c, s, e);
	if (r == 0 && s->token.n > 0)
		r = token_give(c, rq, s->token, e);
	if (r == 0)
		r = template_standby(c, e);
	if (r == 1 || (r == 0 && child_ctl_open(c, e) == 0))
		return child_ctl_job(c, s, fds, e);
	drop(fds, s->nfds);
	return -1;
}

/* A guest's code is run as root only where the configuration says so. */
static int
may_run(const struct request *rq, const struct template *t, struct err *e)
{
	if (rq->srv->uid != 0 || rq->client->account.uid == 0 ||
	    t->cfg->whose != WHOSE_DAEMON)
		return 0;
	err_key(e, "template",
	    "template \"%s\" runs as root: template.%s.user must be set for "
	    "others",
	    template_name(t), template_name(t));
	e->code = ERR_DENIED;
	refusals_log(rq->client, "spawn", e->msg);
	return -1;
}

/* The template of that name, as it is there for this client. */
static struct template *
find_template(const struct request *rq, struct bytes name, struct err *e)
{
	struct template *t = template_find(rq->srv, name, e);

	if (t == NULL || may_run(rq, t, e) == -1)
		return NULL;
	if (!tenant_is_pattern(t))
		return t;
	return tenant_of(t, &rq->client->account, e);
}

/* Takes FDS, which has room for SPAWN_JOB_FDS, in every case. */
static struct child *
make_child(struct request *rq, struct spawn *s, int *fds, struct err *e)
{
	struct template *t;
	struct child *c = NULL;

	if (admission_spawn(rq, s, e) == 0 &&
	    (t = find_template(rq, s->template, e)) != NULL &&
	    limits_ask(rq->client, t, s, e) == 0)
		c = child_new(rq, s, t, e);
	if (c == NULL) {
		drop(fds, s->nfds);
		return NULL;
	}
	c->limits = limits_take_group(&s->limits);
	s->id = c->id;
	s->grace_ns = c->grace_ns;
	s->socket = bytes_of(rq->srv->listener.path);
	s->cookie = bytes_of(c->cookie);
	if (open_job(rq, c, s, fds, e) == 0)
		return c;
	c->answered = true; /* the dispatcher does, with E */
	if (c->pid != 0)
		child_kill(c, e);
	else
		child_drop(c);
	return NULL;
}

/* The spawn of T, asked for again. */
static int
spawn_again(struct request *rq, const struct spawn *s, const struct token *t,
    struct err *e)
{
	struct child *c = token_child(rq->srv, t);

	if (rq->srv->drain.active)
		return err_set(e, ERR_DRAINING, "the daemon is shutting down");
	if (token_check(t, rq, e) == -1)
		return -1;
	if (c == NULL) {
		token_tell(t, rq, !s->detached);
		return 0;
	}
	if (!c->answered && asker_add(c, rq, s->pidfd, e) == -1)
		return -1;
	if (!s->detached && c->state != CHILD_ENDED)
		lease_move(c, rq->client);
	if (c->answered)
		spawn_reply_again(c, rq, s->pidfd);
	if (!s->detached && c->state == CHILD_ENDED)
		record_tell(c, rq->client->id);
	return 0;
}

int
method_spawn(struct request *rq, struct err *e)
{
	struct spawn s;
	struct child *c;
	struct token *t;
	int fds[SPAWN_JOB_FDS];

	if (read_request(rq, &s, fds, e) == -1)
		return -1;
	if (admission_request(rq->client, e) == -1) {
		drop(fds, s.nfds);
		return -1;
	}
	t = s.token.n > 0 ? token_find(rq, s.token) : NULL;
	if (t != NULL) {
		drop(fds, s.nfds);
		return spawn_again(rq, &s, t, e);
	}
	c = make_child(rq, &s, fds, e);
	if (c == NULL)
		return -1;
	if (c->pid == 0)
		template_submit(c);
	return 0;
}
