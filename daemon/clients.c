#include "daemon/clients.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/client_share.h"
#include "daemon/events.h"
#include "daemon/fdcloser.h"
#include "daemon/identity.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "proto/pack.h"

#define REFUSED_MAX 64 /* waiting to hear why */

void
clients_init(struct clients *cs)
{
	*cs = (struct clients){ 0 };
	TAILQ_INIT(&cs->list);
}

struct client *
client_find(struct server *srv, uint64_t id)
{
	return table_get(&srv->clients.by_id, id);
}

static void
client_free(struct client *c)
{
	struct server *srv = c->srv;

	ev_io_stop(srv->loop, &c->rd);
	ev_io_stop(srv->loop, &c->wr);
	ev_io_stop(srv->loop, &c->peer);
	ev_timer_stop(srv->loop, &c->turn);
	ev_timer_stop(srv->loop, &c->linger);
	TAILQ_REMOVE(&srv->clients.list, c, link);
	table_del(&srv->clients.by_id, c->id);
	if (c->refused)
		srv->clients.refused--;
	else
		srv->clients.n--;
	srv->clients.unplaced -= c->unplaced;
	if (c->pidfd != -1)
		close(c->pidfd);
	stream_fini(&c->st);
	client_share_leave(c);
	account_fini(&c->account);
	free(c);
}

void
client_end(struct client *c)
{
	struct server *srv = c->srv;
	uint64_t id = c->id;

	log_debug("conn=%ju op=close", (uintmax_t)id);
	events_client_gone(srv, id);
	client_free(c);
	children_client_gone(srv, id);
	drain_check(srv);
}

int
client_put_id(struct server *srv, uint64_t id, struct msg_out *o)
{
	struct client *c = client_find(srv, id);

	if (c != NULL)
		return client_put(c, o);
	msg_out_fini(o);
	return 0;
}

void
client_new(struct server *srv, int fd)
{
	struct clients *cs = &srv->clients;
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL || table_put(&cs->by_id, cs->last_id + 1, c) == -1) {
		log_warn("op=accept: no room for a connection");
		free(c);
		close(fd);
		return;
	}
	c->srv = srv;
	c->id = ++cs->last_id;
	c->refused = identity_check(c, fd) == -1;
	c->state = c->refused ? CLIENT_REFUSED : CLIENT_OPEN;
	stream_init(&c->st, fd, &frame_limits_default,
	    srv->cfg->server.max_queued_bytes);
	c->st.close_fd = fdcloser_close;
	TAILQ_INSERT_TAIL(&cs->list, c, link);
	if (c->refused)
		cs->refused++;
	else
		cs->n++;
	client_share_join(c);
	client_watch(c, fd);
	/* Those who may not use it take nobody's place. */
	if (c->refused && cs->refused > REFUSED_MAX)
		client_break(c);
	log_debug("conn=%ju pid=%d uid=%ju op=accept", (uintmax_t)c->id,
	    (int)c->pid, (uintmax_t)c->account.uid);
}

void
clients_tell_draining(struct server *srv)
{
	struct client *c;
	struct msg_out o;

	TAILQ_FOREACH(c, &srv->clients.list, link)
	{
		if (c->state != CLIENT_OPEN)
			continue;
		msg_out_init(&o);
		msg_begin_notify(&o, "draining");
		msgpack_pack_map(&o.pk, 0);
		client_put(c, &o);
	}
}

bool
clients_pending(const struct server *srv)
{
	struct client *c;

	TAILQ_FOREACH(c, &srv->clients.list, link)
	if (c->state != CLIENT_BROKEN && stream_pending(&c->st))
		return true;
	return false;
}

void
clients_fini(struct server *srv)
{
	struct client *c, *next;

	for (c = TAILQ_FIRST(&srv->clients.list); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		client_free(c);
	}
	table_fini(&srv->clients.by_id);
}
