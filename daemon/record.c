#include "daemon/record.h"

#include <sys/wait.h>

#include "daemon/capture.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/phases.h"
#include "daemon/readiness.h"
#include "daemon/templates.h"
#include "proto/frame.h"
#include "proto/pack.h"

void
record_pack_identity(const struct child *c, msgpack_packer *pk,
    struct pack_map *m)
{
	pack_kv_uint(pk, m, "id", c->id);
	pack_kv_uint(pk, m, "pid", c->pid);
	if (c->parent != 0)
		pack_kv_uint(pk, m, "parent", c->parent);
	pack_kv_str(pk, m, "template", template_name(c->templ));
	pack_kv_uint(pk, m, "generation", c->generation);
	pack_kv_str(pk, m, "start", child_start_name(c));
}

void
record_pack_phases(const struct child *c, msgpack_packer *pk)
{
	uint64_t ns[PHASES];
	struct pack_map m;

	phases_of(c, ns);
	pack_map_begin(pk, &m);
	for (int i = 0; i < PHASES; i++)
		pack_kv_uint(pk, &m, phase_names[i], ns[i]);
	if (c->at.ready > c->at.noticed)
		pack_kv_uint(pk, &m, "ready_ns", c->at.ready - c->at.noticed);
	pack_map_end(&m);
}

static void
pack_usage(const struct child_usage *u, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "utime_ns", u->utime_ns);
	pack_kv_uint(pk, &m, "stime_ns", u->stime_ns);
	pack_kv_uint(pk, &m, "maxrss_kb", u->maxrss_kb);
	pack_kv_uint(pk, &m, "minflt", u->minflt);
	pack_kv_uint(pk, &m, "majflt", u->majflt);
	pack_map_end(&m);
}

static void
pack_status(const struct child *c, msgpack_packer *pk, struct pack_map *m)
{
	if (c->status != -1 && WIFSIGNALED(c->status))
		pack_kv_uint(pk, m, "signal", WTERMSIG(c->status));
	else
		pack_kv_int(pk, m, "exit_code",
		    c->status == -1 ? -1 : WEXITSTATUS(c->status));
	pack_kv_bool(pk, m, "core",
	    c->status != -1 && WIFSIGNALED(c->status) && WCOREDUMP(c->status));
}

static void
pack_outcome(const struct child *c, size_t max, msgpack_packer *pk,
    struct pack_map *m)
{
	if (c->outcome_raw.size > max) {
		pack_kv_str(pk, m, "result_error",
		    "it is left out here: wait for the child, "
		    "or inspect it, while its record is kept");
		return;
	}
	switch (c->outcome) {
	case OUTCOME_NONE:
		return;
	case OUTCOME_RESULT:
		pack_key(pk, m, "result");
		break;
	case OUTCOME_RESULT_ERROR:
		pack_key(pk, m, "result_error");
		break;
	case OUTCOME_EXCEPTION:
		pack_key(pk, m, "exception");
		break;
	}
	pack_append(pk, &c->outcome_raw);
}

static void
pack_output(const struct child *c, bool whole, msgpack_packer *pk,
    struct pack_map *m)
{
	if (c->capture == NULL)
		return;
	pack_key(pk, m, "output");
	capture_pack(c->capture, whole, pk);
}

static void
pack_hang(const struct child *c, size_t max, msgpack_packer *pk,
    struct pack_map *m)
{
	if (c->hang.raw.size == 0 || c->hang.raw.size > max)
		return;
	pack_key(pk, m, "hang");
	pack_append(pk, &c->hang.raw);
}

void
record_pack(const struct child *c, size_t max, bool output, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	record_pack_identity(c, pk, &m);
	pack_status(c, pk, &m);
	pack_kv_bool(pk, &m, "cancelled", c->cancelled);
	pack_kv_bool(pk, &m, "killed", c->killed);
	pack_kv_bool(pk, &m, "timed_out", c->timed_out);
	pack_outcome(c, max, pk, &m);
	pack_output(c, output, pk, &m);
	pack_hang(c, max, pk, &m);
	if (c->has_usage) {
		pack_key(pk, &m, "rusage");
		pack_usage(&c->usage, pk);
	}
	if (c->succeeded) {
		pack_key(pk, &m, "phases");
		record_pack_phases(c, pk);
	}
	pack_kv_uint(pk, &m, "lived_ns", c->at.end - c->at.forked);
	pack_map_end(&m);
}

void
record_pack_inspect(const struct child *c, size_t max, bool output,
    msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	record_pack_identity(c, pk, &m);
	pack_kv_uint(pk, &m, "uid", c->uid);
	pack_kv_str(pk, &m, "state", child_state_name(c->state));
	pack_kv_text(pk, &m, "title", c->title != NULL ? c->title : c->entry);
	pack_kv_text(pk, &m, "entry", c->entry);
	if (token_name(c) != NULL)
		pack_kv_text(pk, &m, "token", token_name(c));
	pack_kv_bool(pk, &m, "detached", c->owner == 0);
	if (c->owner != 0)
		pack_kv_uint(pk, &m, "owner", c->owner);
	pack_kv_uint(pk, &m, "age_ns", clock_ns() - c->at.read);
	if (c->zygote != NULL && c->zygote->was_ready)
		pack_kv_uint(pk, &m, "generation_age_ns",
		    clock_ns() - c->zygote->ready_ns);
	pack_kv_uint(pk, &m, "grace_ns", c->grace_ns);
	if (c->cgroup != NULL)
		pack_kv_text(pk, &m, "cgroup", c->cgroup);
	group_limits_pack(&c->limits, pk, &m);
	readiness_pack_inspect(c, pk, &m);
	if (c->timeout_ns != 0)
		pack_kv_uint(pk, &m, "timeout_ns", c->timeout_ns);
	if (c->hang.limit_ns != 0)
		pack_kv_uint(pk, &m, "on_hang_ns", c->hang.limit_ns);
	if (c->succeeded) {
		pack_key(pk, &m, "phases");
		record_pack_phases(c, pk);
	}
	if (c->state != CHILD_ENDED)
		pack_hang(c, max < RECORD_TOLD_MAX ? max : RECORD_TOLD_MAX, pk,
		    &m);
	if (c->state == CHILD_ENDED) {
		pack_key(pk, &m, "record");
		record_pack(c, max, output, pk);
	} else {
		pack_output(c, output, pk, &m);
	}
	pack_map_end(&m);
}

size_t
record_share(const struct child *c, size_t *left)
{
	size_t max = *left < RECORD_TOLD_MAX ? *left : RECORD_TOLD_MAX;
	size_t told = 0;

	if (c->outcome_raw.size <= max)
		told += c->outcome_raw.size;
	if (c->hang.raw.size <= max)
		told += c->hang.raw.size;
	*left -= told < *left ? told : *left;
	return max;
}

int
record_answer_fits(const struct msg_out *o, struct err *e)
{
	struct frame_scan scan = { 0 };
	size_t n;

	if (pack_spoilt(&o->buf))
		return err_memory(e, "the answer");
	if (frame_scan(&scan, (const uint8_t *)o->buf.data, o->buf.size,
		&frame_limits_default, &n, e) == 1)
		return 0;
	e->code = ERR_LIMIT;
	return err_wrap(e, "what there is to tell of all together");
}

void
record_answer(const struct child *c, uint64_t conn, uint32_t request)
{
	struct msg_out o;

	msg_out_init(&o);
	msg_begin_result(&o, request);
	record_pack(c, SIZE_MAX, true, &o.pk);
	client_put_id(c->srv, conn, &o);
}

void
record_tell(const struct child *c, uint64_t conn)
{
	struct msg_out o;

	msg_out_init(&o);
	msg_begin_notify(&o, "exited");
	record_pack(c, SIZE_MAX, false, &o.pk);
	client_put_id(c->srv, conn, &o);
}
