#include "client/forkctl/relay.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * More than a pty holds on the way to its master (two flip buffers and the
 * line discipline's), so that reading this much after the child's end has all
 * that it printed, whatever a process it left behind goes on to print.
 */
#define HELD (128 * 1024)

#define HANDLER_MS 200 /* given to a handler of the suspend character */
#define QUIET_MS 20

void
relay_init(struct relay *r, struct terminal *t, struct pty *p)
{
	r->term = t;
	r->pty = p;
	r->in.at = r->in.len = r->out.at = r->out.len = 0;
	r->hung_up = false;
}

static bool
empty(const struct relay_buf *b)
{
	return b->at == b->len;
}

/* Reads into an empty buffer.  Bytes, 0: none now, -1: the end. */
static ssize_t
fill(struct relay_buf *b, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	/* Asked first, as the user's terminal may be one that blocks. */
	if (poll(&p, 1, 0) <= 0)
		return 0;
	n = read(fd, b->p, sizeof(b->p));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	b->at = 0;
	b->len = n;
	return n;
}

/* Writes up to LIMIT.  0, or -1 when nothing can be written any more. */
static int
drain(struct relay_buf *b, int fd, size_t limit)
{
	while (b->at < limit) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		ssize_t n;

		if (poll(&p, 1, 0) <= 0)
			return 0;
		n = write(fd, b->p + b->at, limit - b->at);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n == -1)
			return -1;
		b->at += n;
	}
	return 0;
}

void
relay_poll(const struct relay *r, struct pollfd pfd[2])
{
	pfd[0] = (struct pollfd){ .fd = r->term->fd };
	pfd[1] = (struct pollfd){ .fd = r->pty->master };
	if (empty(&r->in) && r->term->raw)
		pfd[0].events |= POLLIN;
	if (!empty(&r->in))
		pfd[1].events |= POLLOUT;
	if (empty(&r->out))
		pfd[1].events |= POLLIN;
	else
		pfd[0].events |= POLLOUT;
	/* Else poll returns for ever with POLLHUP. */
	if (r->hung_up || pfd[0].events == 0)
		pfd[0].fd = -1;
}

static void
print(struct relay *r)
{
	if (drain(&r->out, r->term->fd, r->out.len) == -1) {
		r->hung_up = true;
		r->out.at = r->out.len;
	}
}

void
relay_flush(struct relay *r)
{
	ssize_t n = 1;

	for (size_t got = 0; got < HELD && n > 0; got += n) {
		print(r);
		n = empty(&r->out) ? fill(&r->out, r->pty->master) : 0;
	}
	print(r);
}

/* Where B takes the alternate screen, or its end. */
static size_t
takes_screen(const struct relay_buf *b)
{
	static const char *const seq[] = { "\033[?1049h", "\033[?1047h",
		"\033[?47h" };
	size_t at = b->len;

	for (size_t i = 0; i < sizeof(seq) / sizeof(*seq); i++) {
		const unsigned char *p = memmem(b->p + b->at, b->len - b->at,
		    seq[i], strlen(seq[i]));

		if (p != NULL && (size_t)(p - b->p) < at)
			at = p - b->p;
	}
	return at;
}

/*
 * A full-screen program's handler gives the screen back, stops its group and,
 * when it goes on, takes the screen again.  Its group is an orphaned one, so
 * that the kernel does not stop it there: it takes the screen at once.
 */
void
relay_leave_screen(struct relay *r)
{
	for (int ms = 0; ms < HANDLER_MS; ms += QUIET_MS) {
		struct pollfd p = { .fd = r->pty->master, .events = POLLIN };
		size_t end;

		if (empty(&r->out) && poll(&p, 1, QUIET_MS) == 1)
			fill(&r->out, r->pty->master);
		end = takes_screen(&r->out);
		if (drain(&r->out, r->term->fd, end) == -1 ||
		    r->out.at < r->out.len)
			return;
	}
}

static bool
interrupts(const struct relay *r, unsigned char c)
{
	const struct termios *t = &r->term->saved;

	return (t->c_lflag & ISIG) != 0 && c == t->c_cc[VINTR] &&
	    c != _POSIX_VDISABLE && pty_foreground(r->pty) == 0;
}

/* What was typed, up to a character that concerns us. */
static enum relay_turn
type(struct relay *r)
{
	enum relay_turn turn = RELAY_ON;
	size_t end = r->in.at;

	while (end < r->in.len && turn == RELAY_ON) {
		if (interrupts(r, r->in.p[end]))
			turn = RELAY_INTERRUPT;
		else if (pty_suspends(r->pty, r->in.p[end]))
			turn = RELAY_SUSPEND;
		end++;
	}
	if (drain(&r->in, r->pty->master, end) == -1)
		r->in.at = r->in.len;
	return r->in.at == end ? turn : RELAY_ON;
}

enum relay_turn
relay_turn(struct relay *r)
{
	/* One read a turn: a child that prints without end must not keep the
	 * interrupt character from being read. */
	print(r);
	if (empty(&r->out) && fill(&r->out, r->pty->master) > 0)
		print(r);
	if (empty(&r->in) && r->term->raw && !r->hung_up &&
	    fill(&r->in, r->term->fd) == -1)
		r->hung_up = true;
	return empty(&r->in) ? RELAY_ON : type(r);
}

void
relay_finish(struct relay *r, int stop)
{
	size_t got = 0;

	/* Ours closed, the master reads to its end where no other is left. */
	pty_close_slave(r->pty);
	for (;;) {
		struct pollfd p[2] = {
			{ .fd = r->term->fd, .events = POLLOUT },
			{ .fd = stop, .events = POLLIN },
		};
		ssize_t n;

		if (drain(&r->out, r->term->fd, r->out.len) == -1)
			return;
		if (empty(&r->out)) {
			if (got >= HELD)
				return;
			n = fill(&r->out, r->pty->master);
			if (n <= 0)
				return;
			got += n;
		} else if (poll(p, 2, -1) == -1 || p[1].revents != 0) {
			return;
		}
	}
}
