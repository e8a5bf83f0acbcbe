#include "client/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/clock.h"
#include "proto/map.h"
#include "proto/pack.h"

static int64_t
now_ms(void)
{
	return (int64_t)(clock_ns() / 1000000);
}

int64_t
conn_deadline(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

int
conn_break(struct forkserver *fs, const struct err *e)
{
	if (!fs->broken)
		fs->why = *e;
	fs->broken = true;
	return -1;
}

/* The value as bytes of its own.  -1: no memory. */
static int
copy_value(const msgpack_object *o, uint8_t **data, size_t *size)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;

	msgpack_sbuffer_init(&buf);
	pack_init(&pk, &buf);
	if (msgpack_pack_object(&pk, *o) != 0) {
		msgpack_sbuffer_destroy(&buf);
		return -1;
	}
	*size = buf.size;
	*data = (uint8_t *)msgpack_sbuffer_release(&buf);
	return 0;
}

/* A response claims a descriptor by `pidfd: true` in its result. */
static unsigned
claimed(const struct msg *m)
{
	struct err ignored;
	struct map map;
	bool pidfd = false;

	if (m->type != MSG_RESPONSE || m->result.type != MSGPACK_OBJECT_MAP ||
	    map_init(&map, &m->result, "", &ignored) == -1)
		return 0;
	map_bool(&map, "pidfd", MAP_OPTIONAL, &pidfd);
	return pidfd ? 1 : 0;
}

static void
close_fds(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

static int
fill_reply(struct conn_call *c, const struct msg *m, const int *fds,
    unsigned nfds)
{
	const msgpack_object *o = &m->result;

	c->failed = m->error.type != MSGPACK_OBJECT_NIL;
	if (c->failed) {
		o = &m->error;
		msg_read_error(o, &c->error);
	}
	if (copy_value(o, &c->reply.data, &c->reply.size) == -1)
		return -1;
	if (nfds > 0) {
		c->reply.fds = calloc(nfds, sizeof(*fds));
		if (c->reply.fds == NULL)
			return -1;
		memcpy(c->reply.fds, fds, nfds * sizeof(*fds));
		c->reply.nfds = nfds;
	}
	c->done = true;
	return 0;
}

static int
on_response(struct forkserver *fs, const struct msg *m, struct err *e)
{
	unsigned nfds = claimed(m);
	int fds[1];
	struct conn_call *c;

	if (nfds > 0 && stream_take_fds(&fs->stream, nfds, fds, e) == -1)
		return -1;
	for (c = fs->calls; c != NULL; c = c->next)
		if (c->id == m->id && !c->done)
			break;
	if (c == NULL) { /* forgotten, or never asked */
		close_fds(fds, nfds);
		return 0;
	}
	if (fill_reply(c, m, fds, nfds) == 0)
		return 0;
	close_fds(fds, nfds);
	return err_memory(e, "a reply");
}

static int
on_event(struct forkserver *fs, const struct msg *m, struct err *e)
{
	struct conn_event *ev = calloc(1, sizeof(*ev));

	if (ev == NULL ||
	    copy_value(&m->params, &ev->ev.data, &ev->ev.size) == -1) {
		free(ev);
		return err_memory(e, "an event");
	}
	memcpy(ev->ev.name, m->method, sizeof(ev->ev.name));
	*fs->events_tail = ev;
	fs->events_tail = &ev->next;
	return 0;
}

/* The daemon asks nothing of clients; whoever does shall not wait in vain. */
static int
on_request(struct forkserver *fs, const struct msg *m, struct err *e)
{
	struct msg_out out;
	struct err no;

	err_set(&no, ERR_UNKNOWN_METHOD, "a client serves no methods");
	msg_out_init(&out);
	msg_error(&out, m->id, &no);
	return stream_put(&fs->stream, &out, e);
}

static int
on_message(struct forkserver *fs, const struct msg *m, struct err *e)
{
	switch (m->type) {
	case MSG_RESPONSE:
		return on_response(fs, m, e);
	case MSG_NOTIFY:
		return on_event(fs, m, e);
	case MSG_REQUEST:
		return on_request(fs, m, e);
	}
	return 0;
}

/* Sorts the whole messages that are there. */
static int
sort_messages(struct forkserver *fs, struct err *e)
{
	struct msg m;
	int r;

	while ((r = stream_next(&fs->stream, &m, e)) == 1) {
		r = on_message(fs, &m, e);
		msg_fini(&m);
		if (r == -1)
			return -1;
	}
	return r;
}

int
conn_pump(struct forkserver *fs)
{
	struct err e;

	if (fs->broken)
		return -1;
	/* What the daemon said before it closed is read even when there is
	 * nobody left to write to. */
	if (stream_flush(&fs->stream, &e) == -1 && e.code != ERR_DISCONNECTED)
		return conn_break(fs, &e);
	for (;;) {
		switch (stream_fill(&fs->stream, &e)) {
		case STREAM_GOT:
			if (sort_messages(fs, &e) == -1)
				return conn_break(fs, &e);
			break;
		case STREAM_AGAIN:
			return 0;
		case STREAM_EOF:
			err_set(&e, ERR_DISCONNECTED,
			    "the daemon has closed the connection");
			return conn_break(fs, &e);
		case STREAM_BAD:
			return conn_break(fs, &e);
		}
	}
}

int
conn_wait(struct forkserver *fs, int64_t deadline)
{
	struct pollfd p = { .fd = fs->stream.fd,
		.events = forkserver_poll_events(fs) };
	int64_t left = -1;
	int n;

	if (fs->broken)
		return -1;
	if (deadline >= 0) {
		left = deadline - now_ms();
		left = left < 0 ? 0 : left;
	}
	n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
	if (n == -1 && errno != EINTR) {
		struct err e;

		err_sys(&e, errno, "poll");
		return conn_break(fs, &e);
	}
	if (conn_pump(fs) == -1)
		return -1;
	return n == 0 && left == 0 ? 0 : 1;
}
