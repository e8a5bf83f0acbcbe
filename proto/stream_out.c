#include "proto/stream_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proto/stream.h"

#define OUT_BATCH 16 /* chunks of one sendmsg */

/* One message to be sent.  Its fds ride on its first byte. */
struct stream_chunk {
	struct stream_chunk *next;
	char *p;
	size_t n, at;
	int *fds;
	unsigned nfds;
};

static void
chunk_free(struct stream_chunk *c)
{
	for (unsigned i = 0; i < c->nfds; i++)
		close(c->fds[i]);
	free(c->fds);
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
