#include "daemon/token.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/admission.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/digest.h"
#include "daemon/dispatch.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "proto/buffer.h"
#include "proto/pack.h"

struct token {
	LIST_ENTRY(token) link;
	TAILQ_ENTRY(token) line; /* of tokens.ended, once ended_ns is set */
	uid_t uid;
	uint64_t digest;     /* of the spawn's params */
	uint64_t id;         /* the child's */
	struct child *child; /* NULL once forgotten */
	uint64_t ended_ns;
	msgpack_sbuffer reply, record; /* packed, once forgotten */
	char name[];
};

void
tokens_init(struct tokens *ts)
{
	*ts = (struct tokens){ 0 };
	TAILQ_INIT(&ts->ended);
}

static void
let_go(struct tokens *ts, struct token *t)
{
	if (t->child != NULL)
		t->child->token = NULL;
	if (t->ended_ns != 0)
		TAILQ_REMOVE(&ts->ended, t, line);
	LIST_REMOVE(t, link);
	ts->n--;
	msgpack_sbuffer_destroy(&t->reply);
	msgpack_sbuffer_destroy(&t->record);
	free(t);
}

void
tokens_fini(struct tokens *ts)
{
	struct token *t, *next;

	for (size_t i = 0; i < TOKEN_BUCKETS; i++)
		for (t = LIST_FIRST(&ts->buckets[i]); t != NULL; t = next) {
			next = LIST_NEXT(t, link);
			let_go(ts, t);
		}
}

static struct token_bucket *
bucket(struct tokens *ts, uid_t uid, struct bytes name)
{
	uint64_t d = digest_bytes(DIGEST_BEGIN, &uid, sizeof(uid));

	return &ts->buckets[digest_bytes(d, name.p, name.n) % TOKEN_BUCKETS];
}

static void
expire(struct server *srv)
{
	struct tokens *ts = &srv->children.tokens;
	uint64_t now = clock_ns();
	struct token *t, *next;

	for (t = TAILQ_FIRST(&ts->ended);
	    t != NULL && now - t->ended_ns >= srv->cfg->server.token_expiry_ns;
	    t = next) {
		next = TAILQ_NEXT(t, line);
		let_go(ts, t);
	}
}

struct token *
token_find(const struct request *rq, struct bytes name)
{
	struct tokens *ts = &rq->srv->children.tokens;
	uid_t uid = rq->client->account.uid;
	struct token *t;

	expire(rq->srv);
	LIST_FOREACH(t, bucket(ts, uid, name), link)
	if (t->uid == uid && bytes_eq(name, t->name))
		return t;
	return NULL;
}

/* But for what may differ when the same is asked for again: how the answer
 * shall look, and how long that request waits. */
static uint64_t
digest(const struct request *rq)
{
	static const char *const skip[] = { "token", "pidfd",
		"start_timeout_ns", NULL };

	return digest_params(rq->params, skip);
}

int
token_check(const struct token *t, const struct request *rq, struct err *e)
{
	if (t->digest == digest(rq))
		return 0;
	err_key(e, "token",
	    "the token is that of child %ju, which was asked for with other "
	    "params",
	    (uintmax_t)t->id);
	e->code = ERR_CONFLICT;
	return -1;
}

struct child *
token_child(struct server *srv, const struct token *t)
{
	return child_find(srv, t->id);
}

void
token_tell(const struct token *t, const struct request *rq, bool leased)
{
	struct msg_out o;

	msg_out_init(&o);
	msg_begin_result(&o, rq->id);
	pack_append(&o.pk, &t->reply);
	client_put(rq->client, &o);
	if (!leased)
		return;
	msg_out_init(&o);
	msg_begin_notify(&o, "exited");
	pack_append(&o.pk, &t->record);
	client_put(rq->client, &o);
}

int
token_give(struct child *c, const struct request *rq, struct bytes name,
    struct err *e)
{
	struct tokens *ts = &rq->srv->children.tokens;
	struct token *t;

	if (ts->n >= rq->srv->cfg->server.tokens) {
		t = TAILQ_FIRST(&ts->ended);
		if (t == NULL) {
			err_set(e, ERR_BUSY,
			    "%zu children with tokens are alive, no more are "
			    "allowed",
			    ts->n);
			return admission_busy(e, "tokens");
		}
		let_go(ts, t);
	}
	t = calloc(1, sizeof(*t) + name.n + 1);
	if (t == NULL)
		return err_memory(e, "a token");
	memcpy(t->name, name.p, name.n);
	t->uid = rq->client->account.uid;
	t->digest = digest(rq);
	t->id = c->id;
	t->child = c;
	msgpack_sbuffer_init(&t->reply);
	msgpack_sbuffer_init(&t->record);
	LIST_INSERT_HEAD(bucket(ts, t->uid, name), t, link);
	ts->n++;
	c->token = t;
	return 0;
}

const char *
token_name(const struct child *c)
{
	return c->token != NULL ? c->token->name : NULL;
}

void
token_drop(struct child *c)
{
	if (c->token != NULL)
		let_go(&c->srv->children.tokens, c->token);
}

void
token_child_over(struct child *c)
{
	expire(c->srv);
	if (c->token == NULL)
		return;
	c->token->ended_ns = clock_ns();
	TAILQ_INSERT_TAIL(&c->srv->children.tokens.ended, c->token, line);
}

void
token_child_forgotten(struct child *c)
{
	struct token *t = c->token;
	msgpack_sbuffer raw;
	msgpack_packer pk;

	if (t == NULL)
		return;
	buffer_init(&raw);
	pack_init(&pk, &raw);
	spawn_reply_pack(c, &pk);
	if (buffer_keep(&t->reply, &raw) == -1)
		pack_spoil(&t->reply);
	buffer_fini(&raw);
	buffer_init(&raw);
	record_pack(c, 0, false, &pk);
	if (buffer_keep(&t->record, &raw) == -1)
		pack_spoil(&t->record);
	buffer_fini(&raw);
	t->child = NULL;
	c->token = NULL;
}
