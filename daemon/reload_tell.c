#include "daemon/reload_tell.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/clients.h"
#include "daemon/dispatch.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "proto/pack.h"

void
reload_settle(struct reload_list *list, const struct template *t,
    uint64_t generation, const struct failure *f)
{
	struct reload *r;
	struct reload_step *s;

	TAILQ_FOREACH(r, list, link)
	TAILQ_FOREACH(s, &r->steps, link)
	{
		if (s->t != t || !s->pending || s->generation > generation)
			continue;
		s->generation = generation;
		s->pending = false;
		r->pending--;
		if (f != NULL)
			failure_copy(&s->fail, f);
	}
}

static void
reload_free(struct reload *r)
{
	struct reload_step *s;

	while ((s = TAILQ_FIRST(&r->steps)) != NULL) {
		TAILQ_REMOVE(&r->steps, s, link);
		template_drop(s->t);
		failure_fini(&s->fail);
		free(s);
	}
	for (size_t i = 0; i < r->restart.n; i++)
		free(r->restart.v[i]);
	free(r->restart.v);
	free(r->name);
	free(r);
}

void
reload_refuse(struct server *srv, struct reload *r, const struct err *e)
{
	struct client *cl = r->conn != 0 ? client_find(srv, r->conn) : NULL;

	log_error("conn=%ju op=reload refused: %s", (uintmax_t)r->conn, e->msg);
	if (cl != NULL)
		dispatch_error(cl, r->request, e);
	reload_free(r);
}

static const char *
word_of(enum reload_what what)
{
	switch (what) {
	case RELOAD_ADDED:
		return "added";
	case RELOAD_RENEWED:
		return "renewed";
	case RELOAD_CHANGED:
		return "changed";
	case RELOAD_REMOVED:
		return "removed";
	}
	return "";
}

static void
pack_step(const struct reload_step *s, msgpack_packer *pk)
{
	const struct zygote *z = template_zygote(s->t);
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_str(pk, &m, "name", template_name(s->t));
	/* Each user has a step of that name. */
	template_pack_uid(s->t, pk, &m);
	pack_kv_str(pk, &m, "change", word_of(s->what));
	if (s->generation != 0)
		pack_kv_uint(pk, &m, "generation", s->generation);
	if (s->fail.err.code != ERR_NONE) {
		pack_key(pk, &m, "error");
		failure_pack(&s->fail, pk);
	}
	if (z != NULL && z->state == ZYGOTE_READY && !s->t->gone)
		pack_kv_uint(pk, &m, "serves", z->generation);
	pack_map_end(&m);
}

void
reload_answer(struct server *srv, struct reload *r)
{
	const struct reload_step *s;
	size_t n = 0, failed = 0;
	struct msg_out o;
	struct pack_map m;

	TAILQ_FOREACH(s, &r->steps, link)
	{
		n++;
		failed += s->fail.err.code != ERR_NONE;
	}
	log_info("conn=%ju op=reloaded templates=%zu failed=%zu",
	    (uintmax_t)r->conn, n, failed);
	msg_out_init(&o);
	msg_begin_result(&o, r->request);
	pack_map_begin(&o.pk, &m);
	pack_key(&o.pk, &m, "templates");
	msgpack_pack_array(&o.pk, n);
	TAILQ_FOREACH(s, &r->steps, link)
	pack_step(s, &o.pk);
	pack_key(&o.pk, &m, "restart");
	msgpack_pack_array(&o.pk, r->restart.n);
	for (size_t i = 0; i < r->restart.n; i++)
		pack_str(&o.pk, r->restart.v[i]);
	pack_map_end(&m);
	if (r->conn != 0)
		client_put_id(srv, r->conn, &o);
	else
		msg_out_fini(&o);
	reload_free(r);
}
