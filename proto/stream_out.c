#include "proto/stream_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proto/pack.h"
#include "proto/reserve.h"
#include "proto/stream.h"

#define OUT_BATCH 16 /* chunks of one sendmsg */

/* What of a message the socket did not take at once.  Its fds ride on its first
 * byte. */
struct stream_chunk {
	struct stream_chunk *next;
	char *p;
	size_t n, at;
	unsigned nfds;
	int fds[];
};

static void
close_all(const int *fds, unsigned *n)
{
	while (*n > 0)
		close(fds[--*n]);
}

static void
chunk_free(struct stream_chunk *c)
{
	close_all(c->fds, &c->nfds);
	free(c->p);
	free(c);
}

void
stream_out_drop(struct stream *s)
{
	struct stream_chunk *c;

	while ((c = s->out_head) != NULL) {
		s->out_head = c->next;
		chunk_free(c);
	}
	s->out_tail = NULL;
	s->out_bytes = 0;
}

static void
attach_fds(struct msghdr *mh, char *ctl, const int *fds, unsigned n)
{
	struct cmsghdr *cm;

	if (n == 0)
		return;
	mh->msg_control = ctl;
	mh->msg_controllen = CMSG_SPACE(n * sizeof(*fds));
	memset(ctl, 0, mh->msg_controllen);
	cm = CMSG_FIRSTHDR(mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n * sizeof(*fds));
	memcpy(CMSG_DATA(cm), fds, n * sizeof(*fds));
}

/* One sendmsg, with the NFDS fds on its first byte.  How many bytes were
 * written, 0: it would block, -1 with E filled. */
static ssize_t
send_once(const struct stream *s, struct iovec *iov, size_t niov,
    const int *fds, unsigned nfds, struct err *e)
{
	union {
		char buf[CMSG_SPACE(MSG_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} ctl;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = niov };
	ssize_t n;

	attach_fds(&mh, ctl.buf, fds, nfds);
	do
		n = sendmsg(s->fd, &mh, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return err_set(e, ERR_DISCONNECTED,
		    "the peer has closed the connection");
	return err_sys(e, errno, "send");
}

/* Moves into a chunk what is left of O behind the first AT bytes.  NULL: no
 * memory. */
static struct stream_chunk *
chunk_of(struct msg_out *o, size_t at)
{
	struct stream_chunk *c;

	if (at > 0)
		close_all(o->fds, &o->nfds);
	c = reserve_realloc(NULL, sizeof(*c) + o->nfds * sizeof(*c->fds));
	if (c == NULL)
		return NULL;
	c->next = NULL;
	c->n = o->buf.size;
	c->at = at;
	c->p = msgpack_sbuffer_release(&o->buf);
	c->nfds = o->nfds;
	memcpy(c->fds, o->fds, o->nfds * sizeof(*c->fds));
	o->nfds = 0;
	return c;
}

/* Queues what is left of O behind the first AT bytes. */
static int
queue(struct stream *s, struct msg_out *o, size_t at, struct err *e)
{
	struct stream_chunk *c = chunk_of(o, at);

	if (c == NULL)
		return err_memory(e, "a message");
	if (s->out_head == NULL)
		s->out_head = c;
	else
		s->out_tail->next = c;
	s->out_tail = c;
	s->out_bytes += c->n - at;
	return 0;
}

/* Straight from O what the socket takes; only what it does not is queued. */
static int
put_idle(struct stream *s, struct msg_out *o, struct err *e)
{
	struct iovec iov = { o->buf.data, o->buf.size };
	ssize_t n = send_once(s, &iov, 1, o->fds, o->nfds, e);

	if (n == -1)
		return -1;
	if ((size_t)n == o->buf.size)
		return 0;
	if (queue(s, o, n, e) == -1) {
		if (n > 0) { /* nothing can be said in its place, or behind */
			e->sys = 0;
			shutdown(s->fd, SHUT_RDWR);
		}
		return -1;
	}
	return n > 0 && stream_flush(s, e) == -1 ? -1 : 0;
}

int
stream_put(struct stream *s, struct msg_out *o, struct err *e)
{
	int r;

	msg_out_seal(o);
	if (s->fd == -1)
		r = err_set(e, ERR_DISCONNECTED, "the connection is closed");
	else if (s->out_bytes + o->buf.size > s->max_out)
		r = err_set(e, ERR_LIMIT, "more than %zu bytes are queued",
		    s->max_out);
	else if (pack_spoilt(&o->buf))
		r = err_memory(e, "a message");
	else if (s->out_head == NULL)
		r = put_idle(s, o, e);
	else
		r = queue(s, o, 0, e);
	msg_out_fini(o);
	return r;
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

/* N bytes of the queue are gone, and the fds of its first chunk with them. */
static void
consume(struct stream *s, size_t n)
{
	struct stream_chunk *c = s->out_head;

	close_all(c->fds, &c->nfds);
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
	while (s->out_head != NULL) {
		struct iovec iov[OUT_BATCH];
		size_t k = gather(s, iov);
		ssize_t n = send_once(s, iov, k, s->out_head->fds,
		    s->out_head->nfds, e);

		if (n <= 0)
			return n;
		consume(s, n);
	}
	return 1;
}

bool
stream_pending(const struct stream *s)
{
	return s->out_head != NULL;
}
