#include "daemon/child_ctl.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/child_end.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/fdcloser.h"
#include "daemon/log.h"
#include "daemon/outcome.h"
#include "daemon/readiness.h"
#include "daemon/rebirth.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "daemon/zygote_orders.h"
#include "proto/map.h"
#include "proto/pack.h"
#include "proto/spare.h"
#include "proto/stream.h"

#define JOB_ID 1
/* One job of the largest frame, and a word behind it. */
#define OUT_MAX ((16u << 20) + (1u << 20))
/* What is read from an exited child's socket at most: a forked grandchild may
 * hold the other end and write for ever. */
#define DRAIN_MAX 4096

static const struct {
	const char *method, *key;
} words[CHILD_WORDS] = {
	[CHILD_CANCEL] = { "cancel", "grace_ns" },
	[CHILD_LEASE] = { "lease", "detached" },
	[CHILD_PING] = { "ping", "n" },
	[CHILD_DUMP] = { "dump", "n" },
	[CHILD_STACKS] = { "stacks", "n" },
};

struct child_ctl {
	struct stream st;
	ev_io rd, wr;
	/* While something is unsent: the last of each kind, which is all that
	 * counts.  A child that does not read may be told any number. */
	msgpack_object owed[CHILD_WORDS]; /* nil: nothing */
	uint64_t waiting;                 /* share in `waiting` below */
	size_t sent;                      /* bytes ever queued */
	bool answered, done, eof;
};

static struct spare spare;

/* One loop, one thread: a plain counter. */
static uint64_t waiting;

static void
account(const struct child *c)
{
	struct child_ctl *k = c->ctl;

	c->user->spawn_bytes += k->st.out_bytes - k->waiting;
	waiting += k->st.out_bytes - k->waiting;
	k->waiting = k->st.out_bytes;
}

uint64_t
child_ctl_waiting(void)
{
	return waiting;
}

static void
misbehaved(struct child *c, const struct err *e)
{
	log_warn("child=%ju pid=%d op=drop code=%s: its control socket: %s",
	    (uintmax_t)c->id, (int)c->pid, err_name(e->code), e->msg);
	ev_io_stop(c->srv->loop, &c->ctl->rd);
	ev_io_stop(c->srv->loop, &c->ctl->wr);
	if (e->sys == ENOMEM) /* ours, not its */
		spawn_reply_err(c, e);
	child_kill(c, e);
}

static int
read_started(struct child *c, const msgpack_object *result, struct err *e)
{
	struct map m;
	uint64_t born;

	if (map_init(&m, result, "job", e) == -1 ||
	    map_int(&m, "interpreter", MAP_REQUIRED, INT64_MIN, INT64_MAX,
		&c->interpreter) == -1 ||
	    map_bool(&m, "promoted", MAP_REQUIRED, &c->promoted) == -1 ||
	    map_uint(&m, "born_ns", MAP_OPTIONAL, UINT64_MAX, &born) == -1 ||
	    map_uint(&m, "adopted_ns", MAP_REQUIRED, UINT64_MAX,
		&c->at.adopted) == -1 ||
	    map_uint(&m, "setup_ns", MAP_REQUIRED, UINT64_MAX, &c->at.setup) ==
		-1)
		return -1;
	return map_uint(&m, "started_ns", MAP_REQUIRED, UINT64_MAX,
	    &c->at.started);
}

/* The response to the job. */
static int
take_response(struct child *c, const struct msg *m, struct err *e)
{
	struct child_ctl *k = c->ctl;

	if (m->id != JOB_ID || k->answered)
		return err_set(e, ERR_MALFORMED, "a response to nothing");
	k->answered = true;
	rebirth_no_more(c);
	if (m->error.type != MSGPACK_OBJECT_NIL) {
		spawn_reply_job_error(c, &m->error);
		/* It says that it will exit. */
		child_kill_after(c, c->grace_ns);
		return 0;
	}
	if (read_started(c, &m->result, e) == -1)
		return -1;
	c->at.noticed = clock_ns();
	spawn_reply_started(c);
	return 0;
}

static int
take_done(struct child *c, const struct msg *m, struct err *e)
{
	if (c->ctl->done || !c->ctl->answered)
		return err_set(e, ERR_MALFORMED, "`done` out of turn");
	c->ctl->done = true;
	return outcome_take(c, &m->params, e);
}

static int
take_notice(struct child *c, const struct msg *m, struct err *e)
{
	if (strcmp(m->method, "done") == 0)
		return take_done(c, m, e);
	if (strcmp(m->method, "told") == 0)
		return readiness_told(c, &m->params, e);
	if (strcmp(m->method, "pong") == 0)
		return dump_pong(c, &m->params, e);
	if (strcmp(m->method, "looked") == 0)
		return dump_looked(c, &m->params, e);
	if (strcmp(m->method, "stacks") == 0)
		return dump_stacks(c, &m->params, e);
	return 0;
}

static int
take_msg(struct child *c, const struct msg *m, struct err *e)
{
	switch (m->type) {
	case MSG_RESPONSE:
		if (take_response(c, m, e) == -1)
			return -1;
		if (c->standby && c->zygote != NULL)
			zygote_lease(c->zygote, c);
		return 0;
	case MSG_NOTIFY:
		return take_notice(c, m, e);
	case MSG_REQUEST:
		break;
	}
	return err_set(e, ERR_MALFORMED, "a child may not ask");
}

/* All whole messages.  0, or -1 with E filled. */
static int
take_msgs(struct child *c, struct err *e)
{
	struct msg m;
	int r;

	for (;;) {
		r = stream_next(&c->ctl->st, &m, e);
		if (r != 1)
			return r;
		r = take_msg(c, &m, e);
		msg_fini(&m);
		if (r == -1)
			return -1;
	}
}

/* One read.  Whether there may be more. */
static bool
read_some(struct child *c)
{
	struct err e;

	switch (stream_fill(&c->ctl->st, &e)) {
	case STREAM_GOT:
		if (take_msgs(c, &e) == 0)
			return true;
		break;
	case STREAM_AGAIN:
		return false;
	case STREAM_EOF: /* an exec, or its end, which others tell */
		c->ctl->eof = true;
		ev_io_stop(c->srv->loop, &c->ctl->rd);
		return false;
	case STREAM_BAD:
		break;
	}
	misbehaved(c, &e);
	return false;
}

void
child_ctl_drain(struct child *c)
{
	for (int i = 0; c->ctl != NULL && i < DRAIN_MAX; i++)
		if (!read_some(c))
			return;
}

static void
read_cb(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	if ((events & EV_ERROR) != 0)
		child_unheard(w->data);
	else
		read_some(w->data);
}

static int
put(struct child *c, struct msg_out *o, struct err *e)
{
	struct child_ctl *k = c->ctl;
	size_t n = o->buf.size;
	int r = stream_put(&k->st, o, e);

	if (r == 0)
		k->sent += n;
	account(c);
	if (r == 0 && stream_pending(&k->st))
		ev_io_start(c->srv->loop, &k->wr);
	return r;
}

/* A notification of one value. */
static int
say(struct child *c, enum child_word w, msgpack_object v)
{
	struct msg_out o;
	struct pack_map m;
	struct err e;

	msg_out_init(&o);
	msg_begin_notify(&o, words[w].method);
	pack_map_begin(&o.pk, &m);
	pack_key(&o.pk, &m, words[w].key);
	msgpack_pack_object(&o.pk, v);
	pack_map_end(&m);
	return put(c, &o, &e);
}

/* Writes what is unsent, then what is owed.  -1: the child is gone, or has
 * closed its end. */
static int
flush(struct child *c)
{
	struct child_ctl *k = c->ctl;
	struct err e;
	int r = stream_flush(&k->st, &e);

	account(c);
	if (r != 0)
		ev_io_stop(c->srv->loop, &k->wr);
	for (int w = 0; r == 1 && w < CHILD_WORDS; w++) {
		msgpack_object v = k->owed[w];

		if (v.type == MSGPACK_OBJECT_NIL)
			continue;
		k->owed[w] = (msgpack_object){ .type = MSGPACK_OBJECT_NIL };
		r = say(c, w, v) == -1 ? -1 : !stream_pending(&k->st);
	}
	return r == -1 ? -1 : 0;
}

static int
tell(struct child *c, enum child_word w, msgpack_object v)
{
	if (c->ctl == NULL || c->ctl->eof)
		return -1;
	c->ctl->owed[w] = v;
	return flush(c);
}

static void
write_cb(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	/* A child that is gone, or closed its end, has its end seen
	 * elsewhere. */
	flush(w->data);
}

int
child_ctl_take(struct child *c, int fd, struct err *e)
{
	struct child_ctl *k = spare_zero(&spare, sizeof(*k));

	if (k == NULL)
		return err_memory(e, "a child");
	c->ctl = k;
	stream_init(&k->st, fd, &frame_limits_child, OUT_MAX);
	k->st.close_fd = fdcloser_close;
	ev_io_init(&k->rd, read_cb, fd, EV_READ);
	ev_io_init(&k->wr, write_cb, fd, EV_WRITE);
	k->rd.data = k->wr.data = c;
	ev_io_start(c->srv->loop, &k->rd);
	return 0;
}

int
child_ctl_open(struct child *c, struct err *e)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		return err_sys(e, errno, "make a control socket");
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	if (child_ctl_take(c, sv[0], e) == -1) {
		close(sv[0]);
		close(sv[1]);
		return -1;
	}
	c->child_end = sv[1];
	return 0;
}

int
child_ctl_job(struct child *c, const struct spawn *s, int *fds, struct err *e)
{
	struct msg_out o;
	bool full = false;

	msg_out_init(&o);
	for (unsigned i = 0; i < s->nfds; i++)
		if (msg_out_fd(&o, fds[i]) == -1)
			full = true;
	if (full) {
		msg_out_fini(&o);
		return err_memory(e, "descriptors");
	}
	msg_begin_request(&o, JOB_ID, "job");
	spawn_pack_job(s, &o.pk);
	return put(c, &o, e);
}

int
child_ctl_tell(struct child *c, enum child_word w, uint64_t n)
{
	return tell(c, w,
	    (msgpack_object){
		.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = n });
}

void
child_ctl_lease(struct child *c)
{
	tell(c, CHILD_LEASE,
	    (msgpack_object){
		.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = c->owner == 0 });
}

bool
child_ctl_untouched(const struct child *c)
{
	const struct child_ctl *k = c->ctl;
	int there = -1;

	return ioctl(c->child_end, FIONREAD, &there) == 0 &&
	    (size_t)there == k->sent - k->st.out_bytes;
}

void
child_ctl_close(struct child *c)
{
	struct child_ctl *k = c->ctl;

	if (k == NULL)
		return;
	c->ctl = NULL;
	ev_io_stop(c->srv->loop, &k->rd);
	ev_io_stop(c->srv->loop, &k->wr);
	stream_fini(&k->st);
	waiting -= k->waiting;
	c->user->spawn_bytes -= k->waiting;
	spare_free(&spare, k);
}
