#include "daemon/zygote/report.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "daemon/zygote/control.h"
#include "daemon/zygote/value.h"
#include "proto/pack.h"

#define MAX_RESULT (4 << 20) /* bytes of a packed result */
#define MAX_LOOK (1 << 20)   /* bytes of a packed look */
#define MAX_TEXT (256 << 10) /* bytes of a traceback's text */

/* Sends O whole, however long the daemon takes to read it: the socket may be
 * non-blocking by now.  Nothing can be done where the daemon is gone. */
static void
write_all(struct stream *s, struct msg_out *o)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	struct err e;

	if (stream_put(s, o, &e) == -1)
		return;
	while (stream_pending(s)) {
		if (poll(&p, 1, -1) == -1 && errno != EINTR)
			return;
		if (stream_flush(s, &e) == -1)
			return;
	}
}

static void
send_all(struct stream *s, struct msg_out *o)
{
	const sigset_t old = control_hold();

	write_all(s, o);
	control_release(old);
}

void
report_ready(struct stream *s)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_notify(&o, "ready");
	pack_map_begin(&o.pk, &m);
	pack_map_end(&m);
	send_all(s, &o);
}

void
report_started(struct stream *s, uint32_t msgid, const struct report_start *r)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_result(&o, msgid);
	pack_map_begin(&o.pk, &m);
	pack_kv_int(&o.pk, &m, "interpreter", r->interpreter);
	pack_kv_bool(&o.pk, &m, "promoted", r->promoted);
	pack_kv_uint(&o.pk, &m, "born_ns", r->born_ns);
	pack_kv_uint(&o.pk, &m, "adopted_ns", r->adopted_ns);
	pack_kv_uint(&o.pk, &m, "setup_ns", r->setup_ns);
	pack_kv_uint(&o.pk, &m, "started_ns", r->started_ns);
	pack_map_end(&m);
	send_all(s, &o);
}

static void
pack_kv_cut(msgpack_packer *pk, struct pack_map *m, const char *key,
    const char *text)
{
	size_t n = strnlen(text, MAX_TEXT);

	/* Not inside of a UTF-8 sequence. */
	while (n == MAX_TEXT && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	pack_key(pk, m, key);
	pack_text(pk, text, n);
}

void
report_failed(struct stream *s, uint32_t msgid, enum err_code code,
    const char *message, const struct report_exception *x)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_error(&o, msgid);
	pack_map_begin(&o.pk, &m);
	pack_kv_str(&o.pk, &m, "code", err_name(code));
	pack_kv_cut(&o.pk, &m, "message", message);
	if (x != NULL && x->type != NULL)
		pack_kv_cut(&o.pk, &m, "type", x->type);
	if (x != NULL && x->message != NULL)
		pack_kv_cut(&o.pk, &m, "detail", x->message);
	if (x != NULL && x->traceback != NULL)
		pack_kv_cut(&o.pk, &m, "traceback", x->traceback);
	pack_map_end(&m);
	send_all(s, &o);
}

void
report_setup(struct stream *s, uint32_t msgid, const struct setup_fault *f)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_error(&o, msgid);
	pack_map_begin(&o.pk, &m);
	pack_kv_str(&o.pk, &m, "code", err_name(ERR_SETUP_FAILED));
	pack_kv_text(&o.pk, &m, "message", f->err.msg);
	pack_kv_str(&o.pk, &m, "step", f->step);
	pack_kv_text(&o.pk, &m, "object", f->object);
	pack_kv_int(&o.pk, &m, "errno", f->err.sys);
	pack_map_end(&m);
	send_all(s, &o);
}

void
report_raised(struct stream *s, const struct report_exception *x)
{
	struct msg_out o;
	struct pack_map m, exc;

	msg_out_init(&o);
	msg_begin_notify(&o, "done");
	pack_map_begin(&o.pk, &m);
	pack_key(&o.pk, &m, "exception");
	pack_map_begin(&o.pk, &exc);
	pack_kv_cut(&o.pk, &exc, "type", x->type);
	pack_kv_cut(&o.pk, &exc, "message", x->message);
	pack_kv_cut(&o.pk, &exc, "traceback", x->traceback);
	pack_map_end(&exc);
	pack_map_end(&m);
	send_all(s, &o);
}

int
report_told(struct stream *s, PyObject *value, struct err *e)
{
	struct msg_out o;
	struct pack_map m;
	char why[256];

	msg_out_init(&o);
	msg_begin_notify(&o, "told");
	pack_map_begin(&o.pk, &m);
	pack_key(&o.pk, &m, "value");
	if (value_pack(value, &o.pk, SPAWN_MAX_READY, why, sizeof(why)) == -1) {
		msg_out_fini(&o);
		return err_set(e, ERR_INVALID_PARAMS, "%s", why);
	}
	pack_map_end(&m);
	send_all(s, &o);
	return 0;
}

static void
begin_done(struct msg_out *o, struct pack_map *m)
{
	msg_out_init(o);
	msg_begin_notify(o, "done");
	pack_map_begin(&o->pk, m);
}

void
report_returned(struct stream *s, PyObject *result)
{
	struct msg_out o;
	struct pack_map m;
	char why[256] = "no memory to pack it";

	begin_done(&o, &m);
	pack_key(&o.pk, &m, "result");
	if (value_pack(result, &o.pk, MAX_RESULT, why, sizeof(why)) == -1 ||
	    pack_spoilt(&o.buf)) {
		msg_out_fini(&o);
		begin_done(&o, &m);
		pack_kv_text(&o.pk, &m, "result_error", why);
	}
	pack_map_end(&m);
	send_all(s, &o);
}

static void
pack_look(struct msg_out *o, struct pack_map *m, PyObject *look)
{
	const size_t at = o->buf.size;
	const uint32_t n = m->n;
	char why[256] = "no memory to pack it";

	pack_key(&o->pk, m, "look");
	if (value_pack(look, &o->pk, MAX_LOOK, why, sizeof(why)) == 0)
		return;
	o->buf.size = at;
	m->n = n;
	pack_kv_text(&o->pk, m, "error", why);
}

void
report_answer(struct stream *s, uint64_t number, PyObject *look)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_notify(&o, look != NULL ? "looked" : "pong");
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "n", number);
	if (look != NULL)
		pack_look(&o, &m, look);
	pack_map_end(&m);
	send_all(s, &o);
}
