#include "daemon/capture.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/backlog.h"
#include "daemon/child_end.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/events.h"
#include "daemon/server.h"

#define TURN 65536             /* bytes of one stream, then others' */
#define LEFT (1 << 20)         /* read at once of what an exited child left */
#define LAST_NS (NS_PER_S / 4) /* for those who hold its pipes */

struct stream_kept {
	struct child *child;
	const char *name;
	int fd; /* -1 once closed */
	ev_io rd;
	struct backlog log;
	bool complete; /* its end was seen */
};

struct capture {
	struct stream_kept v[2];
	unsigned n;
	bool events;
	uint64_t promised; /* share in `promised` below */
	ev_timer last;
};

/* A piece of output on its way to an event. */
struct piece {
	const struct stream_kept *k;
	uint64_t offset;
	struct bytes data;
};

/* One loop, one thread: a plain counter. */
static uint64_t promised;

static uint64_t
streams_of(const struct spawn_capture *s)
{
	return s->merge ? 1 : s->out + s->err;
}

uint64_t
capture_wants(const struct spawn_capture *s)
{
	return streams_of(s) * s->bytes;
}

int
capture_admit(const struct spawn_capture *s, struct err *e)
{
	if (promised + capture_wants(s) <= CAPTURES_MAX)
		return 0;
	return err_set(e, ERR_BUSY,
	    "the output of live children may take %ju bytes already",
	    (uintmax_t)promised);
}

static void
pack_piece(msgpack_packer *pk, const void *what)
{
	const struct piece *p = what;
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "id", p->k->child->id);
	pack_kv_str(pk, &m, "stream", p->k->name);
	pack_kv_uint(pk, &m, "offset", p->offset);
	pack_key(pk, &m, "data");
	pack_bytes(pk, p->data.p, p->data.n);
	pack_map_end(&m);
}

static bool
heard(const struct child *c)
{
	return (c->capture->events && c->owner != 0) || events_output_wanted(c);
}

static void
tell(const struct stream_kept *k, uint64_t offset, struct bytes data)
{
	const struct child *c = k->child;
	struct piece p = { .k = k, .offset = offset };

	while (data.n > 0) {
		p.data = data;
		if (p.data.n > TURN)
			p.data.n = TURN;
		events_output(c, c->capture->events ? c->owner : 0, pack_piece,
		    &p);
		p.offset += p.data.n;
		data.p += p.data.n;
		data.n -= p.data.n;
	}
}

void
capture_started(struct child *c)
{
	struct bytes part[2];

	if (c->capture == NULL || !heard(c))
		return;
	for (unsigned i = 0; i < c->capture->n; i++) {
		const struct stream_kept *k = &c->capture->v[i];
		uint64_t offset = backlog_offset(&k->log);

		backlog_parts(&k->log, part);
		tell(k, offset, part[0]);
		tell(k, offset + part[0].n, part[1]);
	}
}

static void
stop(struct stream_kept *k)
{
	if (k->fd == -1)
		return;
	ev_io_stop(k->child->srv->loop, &k->rd);
	close(k->fd);
	k->fd = -1;
}

/* One read.  Whether there may be more now. */
static bool
read_some(struct stream_kept *k)
{
	static char buf[TURN]; /* one loop, one thread */
	uint64_t offset = k->log.total;
	ssize_t n = read(k->fd, buf, sizeof(buf));

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		k->complete = n == 0;
		stop(k);
		return false;
	}
	backlog_put(&k->log, buf, n);
	/* A spawn's answer precedes what follows from it. */
	if (k->child->succeeded && heard(k->child))
		tell(k, offset, (struct bytes){ buf, n });
	return true;
}

static bool
all_read(const struct capture *cap)
{
	for (unsigned i = 0; i < cap->n; i++)
		if (cap->v[i].fd != -1)
			return false;
	return true;
}

static void
read_cb(struct ev_loop *loop, ev_io *w, int events)
{
	struct stream_kept *k = w->data;

	(void)loop;
	if ((events & EV_ERROR) != 0) {
		child_unheard(k->child);
		return;
	}
	read_some(k);
	if (k->child->reaped && all_read(k->child->capture))
		child_over(k->child);
}

static void
last_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct child *c = w->data;

	(void)loop;
	(void)events;
	child_over(c);
}

bool
capture_drain(struct child *c)
{
	struct capture *cap = c->capture;

	if (cap == NULL)
		return true;
	for (unsigned i = 0; i < cap->n; i++)
		for (int n = 0; n < LEFT / TURN && cap->v[i].fd != -1; n++)
			if (!read_some(&cap->v[i]))
				break;
	if (all_read(cap))
		return true;
	clock_arm(c->srv->loop, &cap->last, LAST_NS);
	return false;
}

void
capture_end(struct child *c)
{
	struct capture *cap = c->capture;

	if (cap == NULL)
		return;
	ev_timer_stop(c->srv->loop, &cap->last);
	for (unsigned i = 0; i < cap->n; i++) {
		stop(&cap->v[i]);
		backlog_trim(&cap->v[i].log);
	}
	promised -= cap->promised;
	c->user->spawn_bytes -= cap->promised;
	cap->promised = 0;
}

void
capture_free(struct child *c)
{
	struct capture *cap = c->capture;

	if (cap == NULL)
		return;
	capture_end(c);
	for (unsigned i = 0; i < cap->n; i++)
		backlog_fini(&cap->v[i].log);
	free(cap);
	c->capture = NULL;
}

/* A pipe from TARGET of the child, whose end is added to S and FDS. */
static int
add_stream(struct child *c, const char *name, int target, struct spawn *s,
    int *fds, struct err *e)
{
	struct stream_kept *k = &c->capture->v[c->capture->n];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_sys(e, errno, "make a pipe for %s", name);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*k = (struct stream_kept){ .child = c, .name = name, .fd = ends[0] };
	backlog_init(&k->log, s->capture.bytes, s->capture.oldest);
	ev_io_init(&k->rd, read_cb, ends[0], EV_READ);
	k->rd.data = k;
	ev_io_start(c->srv->loop, &k->rd);
	c->capture->n++;
	fds[s->nfds] = ends[1];
	s->fds[s->nfds++] = target;
	s->captured++;
	return 0;
}

/* The child's stderr is what its stdout is. */
static int
add_merged(struct spawn *s, int *fds, struct err *e)
{
	int fd = fcntl(fds[s->nfds - 1], F_DUPFD_CLOEXEC, 3);

	if (fd == -1)
		return err_sys(e, errno, "duplicate a pipe for stderr");
	fds[s->nfds] = fd;
	s->fds[s->nfds++] = 2;
	s->captured++;
	return 0;
}

int
capture_open(struct child *c, struct spawn *s, int *fds, struct err *e)
{
	const struct spawn_capture *sc = &s->capture;

	if (!sc->out && !sc->err)
		return 0;
	c->capture = calloc(1, sizeof(*c->capture));
	if (c->capture == NULL)
		return err_memory(e, "a capture");
	c->capture->events = sc->events;
	c->capture->promised = capture_wants(sc);
	promised += c->capture->promised;
	c->user->spawn_bytes += c->capture->promised;
	ev_init(&c->capture->last, last_cb);
	c->capture->last.data = c;
	if (sc->out && add_stream(c, "stdout", 1, s, fds, e) == -1)
		return -1;
	if (sc->merge)
		return add_merged(s, fds, e);
	return sc->err ? add_stream(c, "stderr", 2, s, fds, e) : 0;
}

static void
pack_stream(const struct stream_kept *k, bool whole, msgpack_packer *pk)
{
	struct bytes part[2];
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "bytes", k->log.total);
	pack_kv_uint(pk, &m, "dropped", k->log.total - k->log.len);
	pack_kv_bool(pk, &m, "complete", k->complete);
	pack_kv_uint(pk, &m, "offset", backlog_offset(&k->log));
	if (whole) {
		backlog_parts(&k->log, part);
		pack_key(pk, &m, "data");
		msgpack_pack_bin(pk, k->log.len);
		for (int i = 0; i < 2; i++)
			if (part[i].n > 0)
				msgpack_pack_bin_body(pk, part[i].p, part[i].n);
	}
	pack_map_end(&m);
}

void
capture_pack(const struct capture *cap, bool whole, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	for (unsigned i = 0; i < cap->n; i++) {
		pack_key(pk, &m, cap->v[i].name);
		pack_stream(&cap->v[i], whole, pk);
	}
	pack_map_end(&m);
}

size_t
capture_size(const struct capture *cap)
{
	size_t n = 0;

	for (unsigned i = 0; cap != NULL && i < cap->n; i++)
		n += cap->v[i].log.cap;
	return n;
}
