#include "daemon/zygote/control.h"

#include <Python.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/zygote/captured.h"
#include "daemon/zygote/stacks.h"
#include "proto/frame.h"
#include "proto/map.h"

#define STACKS_MAX (64 << 10) /* bytes of all stacks */
/* Of one message: the kernel takes up to 32 KB whole or not at all. */
#define PIECE_MAX (16 << 10)
#define ROOM_MS 1000 /* to wait for the daemon to read */
#define AGAIN_FIRST_NS 20000000
#define AGAIN_MAX_NS 640000000

/* Written before the signal can come, then by its handler alone, in one thread;
 * control_take holds it off. */
static struct {
	volatile sig_atomic_t fd;
	pid_t tid;
	bool leased, hears;
	uint64_t grace;
	bool doomed;
	uint8_t in[4096]; /* no message behind the job is larger */
	size_t n;
	struct control_asked asked;
	uint64_t shown; /* the last `stacks` */
	int reminder;   /* timer, -1 before its first use */
	bool reminding;
	long again_ns;
} ctl = { .fd = -1, .reminder = -1 };

/* SIGKILL for this process after the grace.  Raw system calls: glibc's
 * timer_create is not async-signal-safe by its promise. */
static void
arm_kill_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGKILL };
	/* An all-zero time would disarm it. */
	struct itimerspec when = {
		.it_value = { .tv_sec = ctl.grace / 1000000000,
		    .tv_nsec = ctl.grace > 0 ? ctl.grace % 1000000000 : 1 }
	};
	int id;

	if (ctl.doomed)
		return;
	ctl.doomed = true;
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == -1 ||
	    syscall(SYS_timer_settime, id, 0, &when, NULL) == -1)
		kill(getpid(), SIGKILL);
}

static void
set_reminder(long ns)
{
	struct itimerspec when = { .it_value.tv_nsec = ns };

	ctl.reminding = ns > 0;
	syscall(SYS_timer_settime, ctl.reminder, 0, &when, NULL);
}

/*
 * CONTROL_SIGNAL again for the main thread, and again, until Python has heard
 * it.  A thread that CPython sends to wait (lock, join, read) looks for signals
 * before and when the wait is interrupted: one that comes between the look and
 * the wait would be heard only when the wait ends by itself.
 */
static void
remind(bool first)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = CONTROL_SIGNAL };
	int id;

	if (ctl.reminder == -1) {
		ev._sigev_un._tid = ctl.tid;
		if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == -1)
			return;
		ctl.reminder = id;
	}
	ctl.again_ns = first ? AGAIN_FIRST_NS : 2 * ctl.again_ns;
	/* A look is not worth more interruptions of what runs. */
	if (ctl.again_ns > AGAIN_MAX_NS && !ctl.asked.cancel)
		set_reminder(0);
	else
		set_reminder(ctl.again_ns < AGAIN_MAX_NS ? ctl.again_ns :
							   AGAIN_MAX_NS);
}

/* --- what is said from inside the handler --------------------------------- */

static void
send_whole(const uint8_t *p, size_t n)
{
	struct pollfd room = { .fd = ctl.fd, .events = POLLOUT };

	if (send(ctl.fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 &&
	    errno == EAGAIN && poll(&room, 1, ROOM_MS) == 1)
		send(ctl.fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static uint8_t *
put(uint8_t *p, const void *bytes, size_t n)
{
	return (uint8_t *)memcpy(p, bytes, n) + n;
}

static uint8_t *
put_big_endian(uint8_t *p, uint64_t v, int n)
{
	while (n-- > 0)
		*p++ = v >> (8 * n);
	return p;
}

/* [2, "stacks", [{"n": n, "text": text, "last": last}]] */
static void
say_piece(uint64_t number, const char *text, size_t n, bool last)
{
	static uint8_t frame[PIECE_MAX + 64];
	uint8_t *p = frame;

	p = put(p, "\x93\x02\xa6stacks\x91\x83\xa1n\xcf", 14);
	p = put_big_endian(p, number, 8);
	p = put(p, "\xa4text\xda", 6);
	p = put_big_endian(p, n, 2);
	p = put(p, text, n);
	p = put(p, "\xa4last", 5);
	*p++ = last ? 0xc3 : 0xc2;
	send_whole(frame, p - frame);
}

static void
show_stacks(uint64_t number)
{
	static char text[STACKS_MAX];
	size_t n, at = 0, piece;

	if (number <= ctl.shown)
		return;
	ctl.shown = number;
	n = stacks_write(text, sizeof(text));
	do {
		piece =
		    bytes_cut((struct bytes){ text + at, n - at }, PIECE_MAX).n;
		if (piece == 0) /* no UTF-8 at all */
			piece = n - at < PIECE_MAX ? n - at : PIECE_MAX;
		say_piece(number, text + at, piece, at + piece == n);
		at += piece;
	} while (at < n);
}

/* --- what is heard -------------------------------------------------------- */

/* The bytes of a message, from its beginning. */
struct reader {
	const uint8_t *p, *end;
};

static bool
skip(struct reader *r, const char *bytes, size_t n)
{
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, bytes, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* [{"n": uint}]: 0 for anything else. */
static uint64_t
read_number(struct reader *r)
{
	uint64_t v = 0;
	int n;

	if (!skip(r, "\x91\x81\xa1n", 4) &&
	    !skip(r, "\x91\xdf\0\0\0\1\xa1n", 8))
		return 0;
	if (r->p == r->end)
		return 0;
	if (*r->p < 0x80)
		return *r->p;
	if (*r->p < 0xcc || *r->p > 0xcf)
		return 0;
	n = 1 << (*r->p++ - 0xcc);
	for (; n > 0 && r->p < r->end; n--)
		v = v << 8 | *r->p++;
	return v;
}

static void
take_frame(const uint8_t *p, size_t n)
{
	struct reader r = { p, p + n };

	if (!skip(&r, "\x93\x02", 2)) /* a notification */
		return;
	if (skip(&r,
		"\xa6"
		"cancel",
		7))
		ctl.asked.cancel = true;
	else if (skip(&r,
		     "\xa4"
		     "ping",
		     5))
		ctl.asked.ping = read_number(&r);
	else if (skip(&r,
		     "\xa4"
		     "dump",
		     5))
		ctl.asked.dump = read_number(&r);
	else if (skip(&r, "\xa6stacks", 7))
		show_stacks(read_number(&r));
	else if (skip(&r,
		     "\xa5lease\x91\xdf\0\0\0\1\xa8"
		     "detached",
		     21))
		ctl.leased = *r.p == 0xc2;
}

/* Takes the whole messages of the N bytes at P, and keeps what is left. */
static void
take_frames(const uint8_t *p, size_t n)
{
	struct frame_scan scan = { 0 };
	struct err e;
	size_t len;

	while (frame_scan(&scan, p, n, &frame_limits_default, &len, &e) == 1) {
		take_frame(p, len);
		p += len;
		n -= len;
	}
	ctl.n = n < sizeof(ctl.in) ? n : 0;
	memmove(ctl.in, p, ctl.n);
}

static void
hang_up(void)
{
	/* Not read again: it would answer EOF for ever. */
	fcntl(ctl.fd, F_SETFL, O_RDWR | O_NONBLOCK);
	ctl.fd = -1;
	captured_let_go();
	if (!ctl.leased)
		return;
	arm_kill_timer();
	ctl.asked.cancel = true;
}

/* Reads what is there.  Whether there was anything: the signal also tells of
 * room to write. */
static bool
hear(void)
{
	bool heard = false;
	ssize_t n = 1;

	while (ctl.fd != -1 && n > 0) {
		n = recv(ctl.fd, ctl.in + ctl.n, sizeof(ctl.in) - ctl.n,
		    MSG_DONTWAIT);
		heard = heard || n > 0;
		if (n > 0)
			take_frames(ctl.in, ctl.n + n);
	}
	if (ctl.fd == -1 || (n == -1 && errno != ECONNRESET))
		return heard;
	hang_up();
	return true;
}

static bool
anything_asked(void)
{
	return ctl.asked.cancel || ctl.asked.ping != 0 || ctl.asked.dump != 0;
}

/* Python is told of what has been HEARD now, or reminded of it. */
static void
pass_on(bool heard)
{
	if (ctl.hears && anything_asked() && (heard || ctl.reminding)) {
		PyErr_SetInterruptEx(CONTROL_SIGNAL);
		remind(heard);
	} else if (!ctl.hears && ctl.asked.cancel) {
		ctl.asked.cancel = false;
		kill(getpid(), SIGTERM);
	}
}

static void
control_cb(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	/* Sent by somebody else to the process, not by the socket. */
	if (gettid() != ctl.tid)
		syscall(SYS_tgkill, getpid(), ctl.tid, sig);
	else if (info->si_code == SI_TIMER)
		pass_on(false);
	else
		pass_on(hear());
	errno = saved;
}

/* --- called from outside the handler -------------------------------------- */

void
control_ready(struct stream *s)
{
	struct sigaction sa = { .sa_sigaction = control_cb,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = gettid() };

	if (ctl.tid == owner.pid)
		return;
	ctl.tid = owner.pid;
	sigemptyset(&sa.sa_mask);
	sigaction(CONTROL_SIGNAL, &sa, NULL);
	fcntl(s->fd, F_SETOWN_EX, &owner);
	fcntl(s->fd, F_SETSIG, CONTROL_SIGNAL);
}

void
control_arm(struct stream *s, bool leased, uint64_t grace_ns, bool hears)
{
	control_ready(s);
	ctl.leased = leased;
	ctl.hears = hears;
	ctl.grace = grace_ns;
	ctl.fd = s->fd;
	/* What was read together with the job is not in the socket. */
	take_frames(s->in + s->in_at, s->in_len - s->in_at);
	fcntl(s->fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC);
	/* What came before the signal was armed, or with the job, is not told
	 * again. */
	raise(CONTROL_SIGNAL);
}

sigset_t
control_hold(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, CONTROL_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	return old;
}

void
control_release(sigset_t old)
{
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool
control_has_asked(void)
{
	return ctl.asked.cancel || ctl.asked.ping != 0 || ctl.asked.dump != 0;
}

struct control_asked
control_take(void)
{
	const sigset_t old = control_hold();
	const struct control_asked asked = ctl.asked;

	if (ctl.reminding)
		set_reminder(0);
	ctl.asked = (struct control_asked){ 0 };
	control_release(old);
	return asked;
}

void
control_drop(void)
{
	if (ctl.fd != -1)
		close(ctl.fd);
	ctl.fd = -1;
}
