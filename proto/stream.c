#include "proto/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reserve.h"
#include "proto/spare.h"
#include "proto/stream_out.h"

#define IN_FIRST 4096        /* bytes of the receive buffer at first */
#define IN_ROOM 2048         /* free bytes wanted before a recvmsg */
#define IN_KEEP (256 * 1024) /* a larger one is freed when empty */

/* Receive buffers of IN_FIRST bytes. */
static struct spare firsts;

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
drop_infds(struct stream *s)
{
	for (unsigned i = 0; i < s->ninfds; i++)
		s->close_fd(s->infds[i]);
	s->ninfds = 0;
}

static void
drop_in(struct stream *s)
{
	if (s->in_cap == IN_FIRST)
		spare_free(&firsts, s->in);
	else
		free(s->in);
	s->in = NULL;
	s->in_cap = 0;
}

void
stream_fini(struct stream *s)
{
	stream_out_drop(s);
	drop_infds(s);
	drop_in(s);
	s->in_at = s->in_len = 0;
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
	p = s->in == NULL ? spare_take(&firsts) : NULL;
	if (p == NULL)
		p = cap < RESERVE_EACH ? reserve_realloc(s->in, cap) :
					 realloc(s->in, cap);
	if (p == NULL)
		return err_memory(e, "a frame");
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
		char buf[CMSG_SPACE(MSG_MAX_FDS * sizeof(int))];
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
		drop_in(s);
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
