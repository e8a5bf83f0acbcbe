#include "daemon/client.h"

#include <errno.h>

#include "daemon/client_share.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/events.h"
#include "daemon/exhausted.h"
#include "daemon/log.h"
#include "daemon/server.h"

#define FRAMES_A_TURN 64   /* then others have theirs */
#define OUT_HIGH (1 << 20) /* unread output that stops the reading */
#define LINGER_NS (5 * NS_PER_S)
#define LOOK_NS (NS_PER_S / 50)

void
client_break(struct client *c)
{
	c->state = CLIENT_BROKEN;
	ev_io_stop(c->srv->loop, &c->rd);
	ev_io_stop(c->srv->loop, &c->wr);
	ev_io_stop(c->srv->loop, &c->peer);
	clock_arm(c->srv->loop, &c->turn, 0);
}

/* No more is read; what is queued is still sent. */
static void
client_close(struct client *c)
{
	c->state = CLIENT_CLOSING;
	ev_io_stop(c->srv->loop, &c->rd);
	if (!stream_pending(&c->st)) {
		client_break(c);
		return;
	}
	clock_arm(c->srv->loop, &c->linger, LINGER_NS);
}

/* Where too much is buffered for its user the connection ends: whoever does
 * not read, or sends without an end, is that user's own. */
static void
check_bytes(struct client *c)
{
	struct err e;

	if (client_share_weigh(c, &e) == 0 || c->state != CLIENT_OPEN)
		return;
	log_warn("conn=%ju pid=%d op=drop code=%s: %s", (uintmax_t)c->id,
	    (int)c->pid, err_name(e.code), e.msg);
	client_break(c);
}

/* O, or an error in its place, queued.  0, or -1 with E filled. */
static int
put(struct client *c, struct msg_out *o, struct err *e)
{
	const size_t queued = c->st.out_bytes;
	const bool answer = o->answer;
	const uint32_t id = o->id;

	if (stream_put(&c->st, o, e) == 0)
		return 0;
	if ((e->sys != ENOMEM && e->sys != ENOBUFS) || c->st.out_bytes > queued)
		return -1;
	if (!answer) {
		c->lost++;
		return 0;
	}
	exhausted_name(e);
	msg_error(o, id, e);
	return stream_put(&c->st, o, e);
}

int
client_put(struct client *c, struct msg_out *o)
{
	struct err e = { 0 };

	if (o->answer)
		client_answered(c);
	if (c->state == CLIENT_BROKEN) {
		msg_out_fini(o);
		return 0;
	}
	if (put(c, o, &e) == -1) {
		if (e.code != ERR_DISCONNECTED)
			log_warn("conn=%ju pid=%d op=drop: %s",
			    (uintmax_t)c->id, (int)c->pid, e.msg);
		client_break(c);
		return 0;
	}
	if (stream_pending(&c->st))
		ev_io_start(c->srv->loop, &c->wr);
	if (c->st.out_bytes > OUT_HIGH)
		ev_io_stop(c->srv->loop, &c->rd);
	check_bytes(c);
	/* Nothing is queued whose end would have it told. */
	if (c->lost > 0 && c->state == CLIENT_OPEN && !stream_pending(&c->st) &&
	    !ev_is_active(&c->linger))
		clock_arm(c->srv->loop, &c->linger, LOOK_NS);
	return e.sys == ENOMEM ? -1 : 0;
}

/* The first request of a refused peer is answered with the refusal. */
static void
refuse_request(struct client *c, const struct msg *m)
{
	struct msg_out o;

	if (m->type != MSG_REQUEST)
		return;
	msg_out_init(&o);
	exhausted_name(&c->refusal);
	msg_error(&o, m->id, &c->refusal);
	client_put(c, &o);
	if (c->state == CLIENT_REFUSED)
		client_close(c);
}

/* One message.  1: there may be more, 0: there is none yet. */
static int
take_frame(struct client *c)
{
	struct msg m;
	struct err e;
	int r = stream_next(&c->st, &m, &e);

	if (r == 0)
		return 0;
	if (r == -1 && e.code != ERR_INVALID_REQUEST) {
		log_warn("conn=%ju pid=%d op=drop code=%s: %s",
		    (uintmax_t)c->id, (int)c->pid, err_name(e.code), e.msg);
		client_break(c);
		return 0;
	}
	if (c->state == CLIENT_REFUSED)
		refuse_request(c, &m);
	else if (r == -1) {
		client_asked(c);
		dispatch_error(c, m.id, &e);
	} else if (m.type == MSG_REQUEST)
		dispatch_request(c, &m);
	if (r == 1)
		msg_fini(&m);
	return 1;
}

static bool
reading(const struct client *c)
{
	switch (c->state) {
	case CLIENT_OPEN:
	case CLIENT_REFUSED:
		return true;
	case CLIENT_CLOSING:
	case CLIENT_BROKEN:
		return false;
	}
	return false;
}

static void
take_frames(struct client *c)
{
	for (int i = 0; i < FRAMES_A_TURN; i++)
		if (!reading(c) || c->st.out_bytes > OUT_HIGH ||
		    take_frame(c) == 0)
			return;
	/* The socket may stay silent: what is here is taken at the next
	 * turn, and nothing is read meanwhile. */
	ev_io_stop(c->srv->loop, &c->rd);
	clock_arm(c->srv->loop, &c->turn, 0);
}

/* The lease ends here, though answers may still be on their way out. */
static void
client_eof(struct client *c)
{
	children_client_gone(c->srv, c->id);
	if (c->state == CLIENT_BROKEN)
		return;
	client_close(c);
}

static void
client_read(struct client *c)
{
	struct err e;

	switch (stream_fill(&c->st, &e)) {
	case STREAM_GOT:
		take_frames(c);
		check_bytes(c);
		break;
	case STREAM_AGAIN:
		break;
	case STREAM_EOF:
		client_eof(c);
		break;
	case STREAM_BAD:
		log_warn("conn=%ju pid=%d op=drop code=%s: %s",
		    (uintmax_t)c->id, (int)c->pid, err_name(e.code), e.msg);
		client_break(c);
		break;
	}
}

static void
client_write(struct client *c)
{
	struct err e;
	int r = stream_flush(&c->st, &e);

	if (r == -1) {
		client_break(c);
		return;
	}
	check_bytes(c);
	if (r == 1) {
		ev_io_stop(c->srv->loop, &c->wr);
		events_caught_up(c);
	}
	if (r == 1 && c->state == CLIENT_CLOSING)
		client_break(c);
	/* What was read before the output rose may wait in the buffer. */
	if (reading(c) && !ev_is_active(&c->rd) &&
	    c->st.out_bytes <= OUT_HIGH / 2)
		clock_arm(c->srv->loop, &c->turn, 0);
	drain_check(c->srv);
}

/* A new one, of which the kernel tells nothing: it is looked at, until it has
 * asked for something and heard why it gets nothing. */
static void
unwatched(struct client *c)
{
	if (c->state == CLIENT_OPEN) {
		exhausted_watches(&c->refusal);
		log_warn("conn=%ju pid=%d op=refuse: %s", (uintmax_t)c->id,
		    (int)c->pid, c->refusal.msg);
		c->state = CLIENT_REFUSED;
		clock_arm(c->srv->loop, &c->linger, LINGER_NS);
	}
	client_read(c);
	if (reading(c))
		clock_arm(c->srv->loop, &c->turn, LOOK_NS);
}

static void
read_cb(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	if ((events & EV_ERROR) != 0)
		unwatched(w->data);
	else
		client_read(w->data);
}

static void
write_cb(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	if ((events & EV_ERROR) != 0)
		client_break(w->data);
	else
		client_write(w->data);
}

/* The process that connected is over.  What it sent before is not acted on:
 * nobody is there to hear the answer. */
static void
peer_cb(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	/* Unwatched, its end is its connection's EOF. */
	if ((events & EV_ERROR) == 0)
		client_end(w->data);
}

static void
turn_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct client *c = w->data;

	(void)events;
	if (!reading(c)) {
		client_end(c);
		return;
	}
	if (c->st.out_bytes > OUT_HIGH)
		return; /* client_write will be back */
	ev_io_start(loop, &c->rd);
	take_frames(c);
}

static void
linger_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct client *c = w->data;

	(void)loop;
	(void)events;
	if (c->state != CLIENT_OPEN)
		client_end(c);
	else if (!stream_pending(&c->st))
		events_caught_up(c);
}

void
client_watch(struct client *c, int fd)
{
	struct ev_loop *loop = c->srv->loop;

	ev_io_init(&c->rd, read_cb, fd, EV_READ);
	ev_io_init(&c->wr, write_cb, fd, EV_WRITE);
	ev_io_init(&c->peer, peer_cb, c->pidfd, EV_READ);
	ev_init(&c->turn, turn_cb);
	ev_init(&c->linger, linger_cb);
	c->rd.data = c->wr.data = c->peer.data = c;
	c->turn.data = c->linger.data = c;
	ev_io_start(loop, &c->rd);
	if (c->pidfd != -1)
		ev_io_start(loop, &c->peer);
	if (c->state == CLIENT_REFUSED)
		clock_arm(loop, &c->linger, LINGER_NS);
}
