#include "daemon/spawn_reply.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/asker.h"
#include "daemon/capture.h"
#include "daemon/child_end.h"
#include "daemon/child_limit.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/dispatch.h"
#include "daemon/exhausted.h"
#include "daemon/failure.h"
#include "daemon/log.h"
#include "daemon/readiness.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/templates.h"
#include "proto/map.h"
#include "proto/pack.h"

/* An error map that is larger than msg_error's; all askers get the same. */
struct error_map {
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct pack_map m;
};

static void
begin_error(struct error_map *em, enum err_code code, const char *msg)
{
	msgpack_sbuffer_init(&em->buf);
	pack_init(&em->pk, &em->buf);
	pack_map_begin(&em->pk, &em->m);
	pack_kv_str(&em->pk, &em->m, "code", err_name(code));
	pack_kv_text(&em->pk, &em->m, "message", msg);
}

static void
send_error(struct child *c, struct error_map *em)
{
	struct asker *a;
	struct msg_out o;

	pack_map_end(&em->m);
	c->answered = true;
	token_drop(c);
	while ((a = asker_take(c)) != NULL) {
		msg_out_init(&o);
		msg_begin_error(&o, a->request);
		pack_append(&o.pk, &em->buf);
		client_put_id(c->srv, a->conn, &o);
		asker_free(a);
	}
	msgpack_sbuffer_destroy(&em->buf);
}

static void
pack_result(const struct child *c, msgpack_packer *pk, struct pack_map *m)
{
	record_pack_identity(c, pk, m);
	pack_kv_str(pk, m, "state", child_state_name(c->state));
	pack_kv_int(pk, m, "interpreter", c->interpreter);
	pack_kv_bool(pk, m, "promoted", c->promoted);
	pack_key(pk, m, "phases");
	record_pack_phases(c, pk);
	readiness_pack_result(c, pk, m);
}

void
spawn_reply_pack(const struct child *c, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_result(c, pk, &m);
	pack_map_end(&m);
}

/* The result of a spawn, to one who asked for it.  -1: he is told that there is
 * no memory for it. */
static int
tell(const struct child *c, uint64_t conn, uint32_t request, bool want_pidfd)
{
	struct msg_out o;
	struct pack_map m;
	int fd;

	msg_out_init(&o);
	msg_begin_result(&o, request);
	pack_map_begin(&o.pk, &m);
	pack_result(c, &o.pk, &m);
	if (want_pidfd && c->pidfd != -1) {
		fd = fcntl(c->pidfd, F_DUPFD_CLOEXEC, 3);
		if (fd != -1 && msg_out_fd(&o, fd) == 0)
			pack_kv_bool(&o.pk, &m, "pidfd", true);
	}
	pack_map_end(&m);
	return client_put_id(c->srv, conn, &o);
}

void
spawn_reply_started(struct child *c)
{
	static const struct err untold = {
		.code = ERR_BUSY,
		.msg = "there was no memory to tell of its start",
	};
	struct asker *a;

	if (c->answered || c->pid == 0 || c->at.noticed == 0)
		return;
	if (c->state == CHILD_STARTING)
		child_set_state(c, CHILD_RUNNING);
	if (readiness_pending(c))
		return;
	c->answered = c->succeeded = true;
	c->srv->children.spawned++;
	latency_record(&c->srv->latency, c);
	child_limit_started(c);
	hang_started(c);
	log_debug("conn=%ju child=%ju pid=%d op=started", (uintmax_t)c->asker,
	    (uintmax_t)c->id, (int)c->pid);
	while ((a = asker_take(c)) != NULL) {
		/* Who is told that there is none gets none. */
		if (tell(c, a->conn, a->request, a->want_pidfd) == -1) {
			child_kill(c, &untold);
			token_drop(c);
		}
		asker_free(a);
	}
	events_started(c);
	capture_started(c);
	drain_check(c->srv);
}

void
spawn_reply_again(const struct child *c, const struct request *rq,
    bool want_pidfd)
{
	tell(c, rq->client->id, rq->id, want_pidfd);
}

/* The keys that go through as the child gave them, where they are scalars. */
static void
copy_keys(const msgpack_object *error, msgpack_packer *pk, struct pack_map *m)
{
	static const char *const keys[] = { "step", "object", "errno", "type",
		"detail", "traceback" };
	const msgpack_object *o;
	struct map in;
	struct err ignored;

	if (map_init(&in, error, "", &ignored) == -1)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (map_obj(&in, keys[i], MAP_OPTIONAL, &o) != 1 ||
		    o->type == MSGPACK_OBJECT_ARRAY ||
		    o->type == MSGPACK_OBJECT_MAP)
			continue;
		pack_key(pk, m, keys[i]);
		msgpack_pack_object(pk, *o);
	}
}

void
spawn_reply_job_error(struct child *c, const msgpack_object *error)
{
	struct error_map em;
	struct err e;

	if (c->answered)
		return;
	msg_read_error(error, &e);
	if (e.code != ERR_SETUP_FAILED && e.code != ERR_IMPORT_FAILED &&
	    e.code != ERR_TEMPLATE_FAILED && e.code != ERR_INVALID_PARAMS)
		e.code = ERR_SETUP_FAILED;
	begin_error(&em, e.code, e.msg);
	copy_keys(error, &em.pk, &em.m);
	send_error(c, &em);
}

void
spawn_reply_died(struct child *c)
{
	bool by_signal = c->status != -1 && WIFSIGNALED(c->status);
	const char *before = c->at.noticed == 0 ? "it had started" :
						  "it was ready";
	struct error_map em;
	char msg[96];

	if (c->answered)
		return;
	if (by_signal)
		snprintf(msg, sizeof(msg),
		    "the child was ended by signal %d before %s",
		    WTERMSIG(c->status), before);
	else
		snprintf(msg, sizeof(msg),
		    "the child exited with status %d before %s",
		    c->status == -1 ? -1 : WEXITSTATUS(c->status), before);
	begin_error(&em, ERR_CHILD_DIED, msg);
	if (by_signal)
		pack_kv_int(&em.pk, &em.m, "signal", WTERMSIG(c->status));
	else
		pack_kv_int(&em.pk, &em.m, "exit_code",
		    c->status == -1 ? -1 : WEXITSTATUS(c->status));
	pack_kv_uint(&em.pk, &em.m, "id", c->id);
	if (c->outcome == OUTCOME_EXCEPTION) {
		pack_key(&em.pk, &em.m, "exception");
		pack_append(&em.pk, &c->outcome_raw);
	}
	send_error(c, &em);
}

void
spawn_reply_err(struct child *c, const struct err *e)
{
	struct err told = *e;
	struct asker *a;
	struct msg_out o;

	if (c->answered)
		return;
	exhausted_name(&told);
	c->answered = true;
	token_drop(c);
	while ((a = asker_take(c)) != NULL) {
		msg_out_init(&o);
		msg_error(&o, a->request, &told);
		client_put_id(c->srv, a->conn, &o);
		asker_free(a);
	}
}

void
spawn_reply_template_failed(struct child *c, const struct failure *f,
    uint64_t retry_ns)
{
	struct error_map em;

	if (c->answered)
		return;
	begin_error(&em, ERR_TEMPLATE_FAILED, f->err.msg);
	pack_kv_str(&em.pk, &em.m, "template", template_name(c->templ));
	pack_kv_uint(&em.pk, &em.m, "retry_ns", retry_ns);
	failure_pack_details(f, &em.pk, &em.m);
	send_error(c, &em);
}
