/*
 * Pressure of memory is heard from whatever raises POLLPRI; here that is the
 * urgent byte of a TCP connection, as a machine cannot be made short of memory
 * for a test.
 */
#include <check.h>
#include <dirent.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/pressure.h"
#include "tests/harness.h"

static struct ev_loop *loop;
static int peers[2]; /* [0] is watched */
static int told_high, told_calm;

static void
connect_peers(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(listener, -1);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sin, n), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&sin, &n), 0);
	peers[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(peers[1], -1);
	ck_assert_int_eq(connect(peers[1], (struct sockaddr *)&sin, n), 0);
	peers[0] = accept(listener, NULL, NULL);
	ck_assert_int_ne(peers[0], -1);
	close(listener);
}

static void
tell(void *arg, bool high)
{
	char byte;

	ck_assert_ptr_eq(arg, &loop);
	if (high) {
		told_high++;
		ck_assert_int_eq(recv(peers[0], &byte, 1, MSG_OOB), 1);
	} else {
		told_calm++;
		ev_break(loop, EVBREAK_ALL);
	}
}

static void
late_cb(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l;
	(void)w;
	(void)events;
	ck_abort_msg("nothing was told in %d s", DEADLINE_S);
}

START_TEST(rises_and_is_over)
{
	struct pressure p;
	ev_timer late;
	struct err e;

	loop = ev_loop_new(EVBACKEND_EPOLL);
	ev_timer_init(&late, late_cb, DEADLINE_S, 0.);
	ev_timer_start(loop, &late);
	connect_peers();
	pressure_init(&p, loop, tell, &loop);
	p.calm_ns = NS_PER_S / 1000;
	ck_assert_msg(pressure_watch(&p, dup(peers[0]), &e) == 0, "%s", e.msg);
	for (int i = 1; i <= 2; i++) {
		ck_assert_int_eq(send(peers[1], "!", 1, MSG_OOB), 1);
		ev_run(loop, 0);
		ck_assert_int_eq(told_high, i);
		ck_assert_int_eq(told_calm, i);
		ck_assert(!p.high);
	}
	pressure_fini(&p);
	ev_timer_stop(loop, &late);
	ev_loop_destroy(loop);
	close(peers[0]);
	close(peers[1]);
}
END_TEST

/* What cannot tell of pressure is refused, and taken all the same. */
START_TEST(what_cannot_tell)
{
	struct pressure p;
	struct err e;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	loop = ev_loop_new(EVBACKEND_EPOLL);
	pressure_init(&p, loop, tell, &loop);
	ck_assert_int_eq(pressure_watch(&p, fd, &e), -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	pressure_fini(&p);
	ev_loop_destroy(loop);
}
END_TEST

/* Where the kernel has the file, the daemon has it open. */
START_TEST(the_daemon_listens)
{
	static const char file[] = "/proc/pressure/memory";
	int fd = open(file, O_RDWR | O_CLOEXEC), dir_fd;
	bool there = fd != -1, open = false;
	char path[64], target[64];
	struct dirent *d;
	struct peer p;
	struct reply r;
	DIR *dir;

	live_start(NULL);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)live.pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	dir_fd = dirfd(dir);
	ck_assert_int_ne(dir_fd, -1);
	while ((d = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dir_fd, d->d_name, target,
		    sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		open = open || strcmp(target, file) == 0;
	}
	closedir(dir);
	ck_assert_int_eq(open, there);
	peer_open(&p);
	ask(&p, &r, "status", "{}");
	bool_at(&r, "memory_scarce");
	reply_fini(&r);
	peer_close(&p);
	if (there)
		close(fd);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { rises_and_is_over, what_cannot_tell,
		the_daemon_listens, NULL };

	return harness_main("pressure", tests);
}
