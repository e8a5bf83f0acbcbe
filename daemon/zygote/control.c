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

#include "proto/map.h"

#define AGAIN_FIRST_NS 20000000
#define AGAIN_MAX_NS 640000000

/* Written before the signal can come; the handler reads them. */
static volatile sig_atomic_t control_fd = -1;
static volatile sig_atomic_t is_leased;
static bool has_ears;
static uint64_t grace;
static volatile sig_atomic_t doomed;
/* The timer of `remind`: -1 before its first use.  The handler's own, and
 * control_read's behind it. */
static volatile sig_atomic_t reminder = -1, reminding;
static long again_ns;

/* SIGKILL for this process after the grace.  Raw system calls: glibc's
 * timer_create is not async-signal-safe by its promise. */
static void
arm_kill_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGKILL };
	/* An all-zero time would disarm it. */
	struct itimerspec when = {
		.it_value = { .tv_sec = grace / 1000000000,
		    .tv_nsec = grace > 0 ? grace % 1000000000 : 1 }
	};
	int id;

	if (doomed)
		return;
	doomed = 1;
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == -1 ||
	    syscall(SYS_timer_settime, id, 0, &when, NULL) == -1)
		kill(getpid(), SIGKILL);
}

static void
set_reminder(long ns)
{
	struct itimerspec when = { .it_value.tv_nsec = ns };

	reminding = ns > 0;
	syscall(SYS_timer_settime, (int)reminder, 0, &when, NULL);
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

	if (reminder == -1) {
		ev._sigev_un._tid = gettid();
		if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == -1)
			return;
		reminder = id;
	}
	again_ns = first ? AGAIN_FIRST_NS : 2 * again_ns;
	if (again_ns > AGAIN_MAX_NS)
		again_ns = AGAIN_MAX_NS;
	set_reminder(again_ns);
}

/*
 * Takes word of the lease off the socket.  It acts though Python is stuck, so
 * that it is read here, and the daemon sends it in these very bytes.
 */
static void
hear_lease(void)
{
	static const char head[] = "\x93\x02\xa5lease\x91\xdf\0\0\0\1\xa8"
				   "detached";
	char buf[sizeof(head)]; /* and one byte, the value */

	while (recv(control_fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT) ==
		sizeof(buf) &&
	    memcmp(buf, head, sizeof(head) - 1) == 0 &&
	    recv(control_fd, buf, sizeof(buf), MSG_DONTWAIT) == sizeof(buf))
		is_leased = buf[sizeof(buf) - 1] == (char)0xc2;
}

/* Also where something is unread. */
static bool
hung_up(void)
{
	struct pollfd p = { .fd = control_fd };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void
control_cb(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	bool over;
	ssize_t n;
	char c;

	(void)context;
	if (control_fd == -1)
		return;
	if (info->si_code == SI_TIMER) {
		if (reminding) {
			PyErr_SetInterruptEx(sig);
			remind(false);
		}
		errno = saved;
		return;
	}
	hear_lease();
	n = recv(control_fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	over = hung_up();
	if (over && is_leased)
		arm_kill_timer();
	/* The signal also tells of room to write.  Behind the job there are
	 * cancels only. */
	if (has_ears && (n > 0 || over)) {
		PyErr_SetInterruptEx(sig);
		remind(true);
	} else if (n > 0 || (over && is_leased)) {
		kill(getpid(), SIGTERM);
	}
	errno = saved;
}

/* One that came together with the job. */
static void
take_lease(const msgpack_object *params)
{
	bool detached = !is_leased;
	struct err ignored;
	struct map m;

	if (map_init(&m, params, "lease", &ignored) == 0)
		map_bool(&m, "detached", MAP_REQUIRED, &detached);
	is_leased = !detached;
}

/* Takes the whole messages that are there.  True: one is a cancel. */
static bool
take(struct stream *s)
{
	struct err e;
	struct msg m;
	bool cancel = false;

	while (stream_next(s, &m, &e) == 1) {
		cancel = cancel ||
		    (m.type == MSG_NOTIFY && strcmp(m.method, "cancel") == 0);
		if (m.type == MSG_NOTIFY && strcmp(m.method, "lease") == 0)
			take_lease(&m.params);
		msg_fini(&m);
	}
	return cancel;
}

void
control_arm(struct stream *s, bool leased, uint64_t grace_ns, bool hears)
{
	struct sigaction sa = { .sa_sigaction = control_cb,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = gettid() };

	is_leased = leased;
	has_ears = hears;
	grace = grace_ns;
	control_fd = s->fd;
	sigemptyset(&sa.sa_mask);
	sigaction(CONTROL_SIGNAL, &sa, NULL);
	fcntl(s->fd, F_SETOWN_EX, &owner);
	fcntl(s->fd, F_SETSIG, CONTROL_SIGNAL);
	fcntl(s->fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC);
	if (hears)
		return;
	/* What came before the signal was armed is not told again, and what
	 * was read together with the job is not in the socket. */
	if (take(s))
		kill(getpid(), SIGTERM);
	raise(CONTROL_SIGNAL);
}

bool
control_read(struct stream *s)
{
	struct err e;
	bool cancel;

	if (reminding)
		set_reminder(0);
	/* What was read together with the job is not in the socket. */
	cancel = s->fd != -1 && take(s);
	while (s->fd != -1)
		switch (stream_fill(s, &e)) {
		case STREAM_GOT:
			cancel = take(s) || cancel;
			continue;
		case STREAM_AGAIN:
			return cancel;
		case STREAM_EOF:
		case STREAM_BAD:
			if (is_leased)
				arm_kill_timer();
			/* Not read again: it would answer EOF for ever. */
			fcntl(s->fd, F_SETFL, O_RDWR | O_NONBLOCK);
			control_fd = -1;
			s->fd = -1;
			return cancel || is_leased;
		}
	return false;
}
