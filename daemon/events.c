#include "daemon/events.h"

#include <stdlib.h>

#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/identity.h"
#include "daemon/record.h"
#include "daemon/notify.h"
#include "daemon/server.h"
#include "daemon/templates.h"
#include "daemon/tenants.h"
#include "proto/pack.h"

void
events_init(struct events *ev)
{
	*ev = (struct events){ 0 };
	TAILQ_INIT(&ev->list);
}

void
events_fini(struct events *ev)
{
	struct subscription *s;

	while ((s = TAILQ_FIRST(&ev->list)) != NULL) {
		TAILQ_REMOVE(&ev->list, s, link);
		free(s);
	}
}

static void
drop(struct server *srv, struct subscription *s)
{
	struct client *cl = client_find(srv, s->conn);

	if (cl != NULL)
		cl->subscriptions--;
	TAILQ_REMOVE(&srv->events.list, s, link);
	free(s);
}

int
events_subscribe(struct client *cl, struct subscription *s, struct err *e)
{
	struct events *ev = &cl->srv->events;
	struct subscription *new;

	if (cl->subscriptions >= EVENTS_SUBSCRIPTIONS_MAX)
		return err_set(e, ERR_LIMIT,
		    "this connection has %d subscriptions",
		    EVENTS_SUBSCRIPTIONS_MAX);
	new = malloc(sizeof(*new));
	if (new == NULL)
		return err_memory(e, "a subscription");
	s->id = ++ev->last_id;
	s->conn = cl->id;
	*new = *s;
	TAILQ_INSERT_TAIL(&ev->list, new, link);
	cl->subscriptions++;
	return 0;
}

bool
events_unsubscribe(struct client *cl, uint64_t id)
{
	struct subscription *s;

	TAILQ_FOREACH(s, &cl->srv->events.list, link)
	if (s->id == id && s->conn == cl->id) {
		drop(cl->srv, s);
		return true;
	}
	return false;
}

void
events_client_gone(struct server *srv, uint64_t conn)
{
	struct subscription *s, *next;

	for (s = TAILQ_FIRST(&srv->events.list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->conn == conn)
			drop(srv, s);
	}
}

static void
tell_lost(struct client *cl)
{
	const uint64_t n = cl->lost;
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_notify(&o, "lost");
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "events", n);
	pack_map_end(&m);
	cl->lost = 0;
	client_put(cl, &o);
	if (cl->lost > 0) /* so was this */
		cl->lost = n;
}

void
events_caught_up(struct client *cl)
{
	if (cl->lost > 0 && cl->state == CLIENT_OPEN)
		tell_lost(cl);
}

/* Tells one connection, unless it has been told or is slow. */
static void
tell(struct client *cl, const char *name, event_pack *pack, const void *what)
{
	struct server *srv = cl->srv;
	struct msg_out o;

	if (cl->state != CLIENT_OPEN || cl->told == srv->events.told)
		return;
	cl->told = srv->events.told;
	if (cl->st.out_bytes > srv->cfg->server.max_queued_bytes / 4) {
		cl->lost++;
		return;
	}
	if (cl->lost > 0)
		tell_lost(cl);
	msg_out_init(&o);
	msg_begin_notify(&o, name);
	pack(&o.pk, what);
	client_put(cl, &o);
}

/* Whether S, of the client CL, is for what happens to C. */
static bool
covers(const struct subscription *s, const struct client *cl,
    const struct child *c)
{
	if (cl == NULL || !identity_may_touch(cl, c->uid))
		return false;
	if (s->child == 0)
		return true;
	return s->tree ? tree_contains(s->child, c) : s->child == c->id;
}

static void
tell_all(struct server *srv, const struct child *c, bool output,
    const char *name, event_pack *pack, const void *what)
{
	struct subscription *s;
	struct client *cl;

	TAILQ_FOREACH(s, &srv->events.list, link)
	{
		if (output && !s->output)
			continue;
		cl = client_find(srv, s->conn);
		if (covers(s, cl, c))
			tell(cl, name, pack, what);
	}
}

static void
pack_started(msgpack_packer *pk, const void *child)
{
	record_pack_inspect(child, RECORD_TOLD_MAX, false, pk);
}

static void
pack_exited(msgpack_packer *pk, const void *child)
{
	record_pack(child, RECORD_TOLD_MAX, false, pk);
}

static void
pack_template(msgpack_packer *pk, const void *t)
{
	template_pack(t, pk);
}

void
events_started(const struct child *c)
{
	c->srv->events.told++;
	tell_all(c->srv, c, false, "started", pack_started, c);
}

void
events_exited(const struct child *c)
{
	struct server *srv = c->srv;
	struct client *owner = c->owner != 0 ? client_find(srv, c->owner) :
					       NULL;
	struct subscription *s, *next;

	srv->events.told++;
	if (owner != NULL)
		owner->told = srv->events.told;
	tell_all(srv, c, false, "exited", pack_exited, c);
	/* Nothing more can be heard of it. */
	for (s = TAILQ_FIRST(&srv->events.list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->child == c->id && !s->tree)
			drop(srv, s);
	}
}

void
events_template(const struct template *t)
{
	struct subscription *s;
	struct client *cl;

	notify_status(t->srv);
	t->srv->events.told++;
	TAILQ_FOREACH(s, &t->srv->events.list, link)
	{
		cl = s->child == 0 ? client_find(t->srv, s->conn) : NULL;
		if (cl != NULL && tenant_shown(t, cl))
			tell(cl, "template", pack_template, t);
	}
}

bool
events_output_wanted(const struct child *c)
{
	const struct subscription *s;

	TAILQ_FOREACH(s, &c->srv->events.list, link)
	if (s->output && covers(s, client_find(c->srv, s->conn), c))
		return true;
	return false;
}

void
events_output(const struct child *c, uint64_t owner, event_pack *pack,
    const void *what)
{
	struct client *cl = owner != 0 ? client_find(c->srv, owner) : NULL;

	c->srv->events.told++;
	if (cl != NULL)
		tell(cl, "output", pack, what);
	tell_all(c->srv, c, true, "output", pack, what);
}
