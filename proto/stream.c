#include "proto/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define IN_FIRST 4096        /* bytes of the receive buffer at first */
#define IN_ROOM 2048         /* free bytes wanted before a recvmsg */
#define IN_KEEP (256 * 1024) /* a larger one is freed when empty */
#define OUT_BATCH 16         /* chunks of one sendmsg */

/* One message to be sent.  Its fds ride on its first byte. */
struct stream_chunk {
	struct stream_chunk *next;
	char *p;
	size_t n, at;
	int *fds;
	unsigned nfds;
};

static void
close_now(int fd)
{
	close(fd);
}

void
stream_init(struct stream *s, int fd, const struct frame_limits *lim,
    size_t max_out)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->limits = *lim;
	s->max_out = max_out;
	s->close_fd = close_now;
}

static void
chunk_free(struct stream_chunk *c)
{
	for (unsigned i = 0; i < c->nfds; i++)
		close(c->fds[i]);
	free(c->fds);
	free(c->p);
	free(c);
}

static void
drop_infds(struct stream *s)
{
	for (unsigned i = 0; i < s->ninfds; i++)
		s->close_fd(s->infds[i]);
	s->ninfds = 0;
}

void
stream_fini(struct stream *s)
{
	struct stream_chunk *c;

	while ((c = s->out_head) != NULL) {
		s->out_head = c->next;
		chunk_free(c);
	}
	s->out_tail = NULL;
	s->out_bytes = 0;
	drop_infds(s);
	free(s->in);
	s->in = NULL;
	s->in_at = s->in_len = s->in_cap = 0;
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

/* Room for IN_ROOM bytes behind what is there. */
static int
make_room(struct stream *s, struct err *e)
{
	size_t have = s->in_len - s->in_at, cap;
	uint8_t *p;

	if (s->in_cap - s->in_len >= IN_ROOM)
		return 0;
	if (s->in_at > 0 && s->in_cap - have >= IN_ROOM &&
	    s->in_at >= s->in_cap / 2) {
		memmove(s->in, s->in + s->in_at, have);
		s->in_at = 0;
		s->in_len = have;
		return 0;
	}
	cap = s->in_cap == 0 ? IN_FIRST : s->in_cap * 2;
	p = realloc(s->in, cap);
	if (p == NULL)
		return err_set(e, ERR_SYSTEM,
		    "no memory for %zu bytes of a frame", cap);
	s->in = p;
	s->in_cap = cap;
	return 0;
}

/* Queues the fds of one control message.  0, or -1 with E filled. */
static int
queue_infds(struct stream *s, struct msghdr *mh, struct err *e)
{
	unsigned lost = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	    c = CMSG_NXTHDR(mh, c)) {
		int *fds = (int *)(void *)CMSG_DATA(c);
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(*fds);
		for (size_t i = 0; i < n; i++) {
			if (s->ninfds < sizeof(s->infds) / sizeof(*s->infds)) {
				s->infds[s->ninfds++] = fds[i];
			} else {
				s->close_fd(fds[i]);
				lost++;
			}
		}
	}
	if ((mh->msg_flags & MSG_CTRUNC) != 0)
		return err_set(e, ERR_BAD_FDS,
		    "a control message was "
		    "truncated: descriptors were lost");
	if (lost > 0)
		return err_set(e, ERR_BAD_FDS,
		    "more descriptors are queued than frames may claim");
	return 0;
}

enum stream_fill
stream_fill(struct stream *s, struct err *e)
{
	union {
		char buf[CMSG_SPACE(STREAM_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} ctl;
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = sizeof(ctl.buf) };
	ssize_t n;

	if (make_room(s, e) == -1)
		return STREAM_BAD;
	iov.iov_base = s->in + s->in_len;
	iov.iov_len = s->in_cap - s->in_len;
	do
		n = recvmsg(s->fd, &mh, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return STREAM_AGAIN;
	if (n == -1 && errno == ECONNRESET)
		return STREAM_EOF;
	if (n == -1) {
		err_sys(e, errno, "receive");
		return STREAM_BAD;
	}
	if (queue_infds(s, &mh, e) == -1)
		return STREAM_BAD;
	if (n == 0)
		return STREAM_EOF;
	s->in_len += n;
	return STREAM_GOT;
}

static void
settle(struct stream *s)
{
	if (s->in_at < s->in_len)
		return;
	s->in_at = s->in_len = 0;
	if (s->in_cap > IN_KEEP) {
		free(s->in);
		s->in = NULL;
		s->in_cap = 0;
	}
}

int
stream_next(struct stream *s, struct msg *m, struct err *e)
{
	const uint8_t *p;
	size_t n = s->in_len - s->in_at, len;
	int r;

	if (n == 0) {
		settle(s);
		if (s->ninfds == 0)
			return 0;
		return err_set(e, ERR_BAD_FDS,
		    "%u descriptors that no frame claims", s->ninfds);
	}
	p = s->in + s->in_at;
	r = frame_scan(&s->scan, p, n, &s->limits, &len, e);
	if (r != 1)
		return r;
	s->in_at += len;
	return msg_unpack(m, p, len, e) == 0 ? 1 : -1;
}

int
stream_take_fds(struct stream *s, unsigned n, int *fds, struct err *e)
{
	if (n > s->ninfds)
		return err_set(e, ERR_BAD_FDS,
		    "the frame claims %u "
		    "descriptors, %u were passed",
		    n, s->ninfds);
	memcpy(fds, s->infds, n * sizeof(*fds));
	s->ninfds -= n;
	memmove(s->infds, s->infds + n, s->ninfds * sizeof(*fds));
	return 0;
}

/* Moves O's bytes and fds into a chunk.  NULL: no memory. */
static struct stream_chunk *
chunk_of(struct msg_out *o)
{
	struct stream_chunk *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->n = o->buf.size;
	c->p = msgpack_sbuffer_release(&o->buf);
	c->fds = o->fds;
	c->nfds = o->nfds;
	o->fds = NULL;
	o->nfds = 0;
	return c;
}

int
stream_put(struct stream *s, struct msg_out *o, struct err *e)
{
	struct stream_chunk *c = NULL;
	bool idle = s->out_head == NULL;

	msg_out_seal(o);
	if (s->fd == -1)
		err_set(e, ERR_DISCONNECTED, "the connection is closed");
	else if (s->out_bytes + o->buf.size > s->max_out)
		err_set(e, ERR_LIMIT, "more than %zu bytes are queued",
		    s->max_out);
	else if ((c = chunk_of(o)) == NULL)
		err_set(e, ERR_SYSTEM, "no memory for a message");
	msg_out_fini(o);
	if (c == NULL)
		return -1;
	if (idle)
		s->out_head = c;
	else
		s->out_tail->next = c;
	s->out_tail = c;
	s->out_bytes += c->n;
	return idle && stream_flush(s, e) == -1 ? -1 : 0;
}

/* As many chunks as one sendmsg may carry: one with fds must be the first. */
static size_t
gather(const struct stream *s, struct iovec *iov)
{
	size_t k = 0;

	for (struct stream_chunk *c = s->out_head;
	    c != NULL && k < OUT_BATCH && (k == 0 || c->nfds == 0);
	    c = c->next) {
		iov[k].iov_base = c->p + c->at;
		iov[k++].iov_len = c->n - c->at;
	}
	return k;
}

static void
attach_fds(struct msghdr *mh, char *ctl, const struct stream_chunk *c)
{
	struct cmsghdr *cm;

	if (c->nfds == 0)
		return;
	mh->msg_control = ctl;
	mh->msg_controllen = CMSG_SPACE(c->nfds * sizeof(int));
	memset(ctl, 0, mh->msg_controllen);
	cm = CMSG_FIRSTHDR(mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(c->nfds * sizeof(int));
	memcpy(CMSG_DATA(cm), c->fds, c->nfds * sizeof(int));
}

/* N bytes of the queue are gone, and the fds of its first chunk with them. */
static void
consume(struct stream *s, size_t n)
{
	struct stream_chunk *c = s->out_head;

	for (unsigned i = 0; i < c->nfds; i++)
		close(c->fds[i]);
	c->nfds = 0;
	s->out_bytes -= n;
	while (c != NULL && n >= c->n - c->at) {
		n -= c->n - c->at;
		s->out_head = c->next;
		chunk_free(c);
		c = s->out_head;
	}
	if (c != NULL)
		c->at += n;
	else
		s->out_tail = NULL;
}

int
stream_flush(struct stream *s, struct err *e)
{
	union {
		char buf[CMSG_SPACE(STREAM_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} ctl;

	while (s->out_head != NULL) {
		struct iovec iov[OUT_BATCH];
		struct msghdr mh = { .msg_iov = iov };
		ssize_t n;

		mh.msg_iovlen = gather(s, iov);
		attach_fds(&mh, ctl.buf, s->out_head);
		n = sendmsg(s->fd, &mh, MSG_NOSIGNAL);
		if (n >= 0)
			consume(s, n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		else if (errno == EPIPE || errno == ECONNRESET)
			return err_set(e, ERR_DISCONNECTED,
			    "the peer has closed the connection");
		else if (errno != EINTR)
			return err_sys(e, errno, "send");
	}
	return 1;
}

bool
stream_pending(const struct stream *s)
{
	return s->out_head != NULL;
}
