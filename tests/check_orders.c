/*
 * A zygote by itself: what it makes of a message with several orders, and of
 * one that it can make nothing of.  The test is its daemon.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/lit.h"
#include "tests/standbys.h"

#define ZYGOTE_FD 3

static pid_t zygote;
static struct peer p;

static _Noreturn void
exec_zygote(int sock)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/forkserver-zygote",
	    getenv("FORKSERVERD_BIN_DIR"));
	if (sock == ZYGOTE_FD)
		fcntl(sock, F_SETFD, 0);
	else
		dup2(sock, ZYGOTE_FD);
	execl(path, path, (char *)NULL);
	_exit(127);
}

static void
begin(void)
{
	struct reply r;
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv),
	    0);
	zygote = fork();
	ck_assert_int_ne(zygote, -1);
	if (zygote == 0)
		exec_zygote(sv[1]);
	close(sv[1]);
	peer_adopt(&p, sv[0]);
	ask(&p, &r, "configure",
	    "{'version': 1, 'template': 'default', 'kind': 'warm', "
	    "'mode': 'legacy', 'promote': true, 'watch': false, 'preload': [], "
	    "'path': [], 'venv': '', 'prime': [], 'after_fork': [], "
	    "'allow': [], 'env': {}, 'canary_ns': 10000000000, "
	    "'generation': 1}");
	ck_assert_str_eq(str_at(&r, "way"), "promoted");
	reply_fini(&r);
}

static void
ended(void)
{
	int status;

	ck_assert_int_eq(waitpid(zygote, &status, 0), zygote);
	ck_assert_int_eq(status, 0);
}

/* Takes FDS. */
static void
notify(const char *method, const int *fds, unsigned nfds, const char *params)
{
	struct msg_out o;
	struct err e;

	msg_out_init(&o);
	msg_begin_notify(&o, method);
	lit_pack(&o.pk, params);
	for (unsigned i = 0; i < nfds; i++)
		ck_assert_int_eq(msg_out_fd(&o, fds[i]), 0);
	ck_assert_msg(stream_put(&p.st, &o, &e) == 0, "%s", e.msg);
}

/* A control socket: our end; the other one is put in *CHILDS. */
static int
control(int *childs)
{
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv),
	    0);
	*childs = sv[1];
	return sv[0];
}

static int
group(int *childs)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	*childs = fds[1];
	return fds[0];
}

/* The next message tells that of that order; of which process. */
static pid_t
hears(const char *what, int64_t order)
{
	struct reply r;
	struct err e;
	pid_t pid;
	int pidfd;

	peer_next(&p, &r);
	ck_assert_str_eq(r.msg.method, what);
	ck_assert_int_eq(int_at(&r, "order"), order);
	pid = has(&r, "pid") ? int_at(&r, "pid") : 0;
	reply_fini(&r);
	if (strcmp(what, "forked") == 0) {
		ck_assert_int_eq(stream_take_fds(&p.st, 1, &pidfd, &e), 0);
		close(pidfd);
	}
	return pid;
}

/* Whose end of FD it is said so, and ends when we close ours. */
static void
is_ready(int fd, int64_t order)
{
	struct peer child;
	struct reply r;

	peer_adopt(&child, fd);
	peer_next(&child, &r);
	ck_assert_str_eq(r.msg.method, "ready");
	reply_fini(&r);
	peer_close(&child);
	hears("reaped", order);
}

START_TEST(one_is_wrong)
{
	enum { A, B, B_GROUP, C, C_GROUP, D, FDS };
	int fds[FDS], a, b, b_group, c, c_group, d;

	begin();
	a = control(&fds[A]);
	b = control(&fds[B]);
	b_group = group(&fds[B_GROUP]);
	c = control(&fds[C]);
	c_group = group(&fds[C_GROUP]);
	d = control(&fds[D]);
	notify("fork", fds, FDS,
	    "{'orders': [{'order': 7, 'standby': true}, "
	    "{'order': 8, 'procs': true, 'cgroup': '/none', 'nosuch': 1}, "
	    "{'order': 9, 'procs': true, 'cgroup': '/none', 'standby': true}, "
	    "{'order': 10, 'standby': true}]}");
	hears("forked", 7);
	hears("fork_failed", 8);
	hears("forked", 9);
	hears("forked", 10);
	/* Each has its own descriptors, and nobody those of the wrong one. */
	ck_assert_str_eq(read_text(b, false), "");
	ck_assert_str_eq(read_text(b_group, false), "");
	ck_assert_str_eq(read_text(c_group, false), "0");
	is_ready(d, 10);
	is_ready(c, 9);
	is_ready(a, 7);
	close(b);
	close(b_group);
	close(c_group);
	peer_close(&p);
	ended();
}
END_TEST

/* One has ended when it gets to know of the orders. */
START_TEST(the_ended_come_first)
{
	int fds[3], mine[3];
	pid_t first;

	begin();
	for (int i = 0; i < 3; i++)
		mine[i] = control(&fds[i]);
	notify("fork", fds, 1, "{'orders': [{'order': 1}]}");
	first = hears("forked", 1);
	standby_stop(zygote);
	notify("fork", fds + 1, 2, "{'orders': [{'order': 2}, {'order': 3}]}");
	ck_assert_int_eq(kill(first, SIGKILL), 0);
	process_gone(first);
	ck_assert_int_eq(kill(zygote, SIGCONT), 0);
	hears("reaped", 1);
	hears("forked", 2);
	hears("forked", 3);
	close(mine[0]);
	close(mine[1]);
	hears("reaped", 2);
	close(mine[2]);
	hears("reaped", 3);
	peer_close(&p);
	ended();
}
END_TEST

/* Whose the descriptors behind it are cannot be known. */
START_TEST(without_a_good_array)
{
	static const char *const bad[] = { "{}", "{'orders': 1}",
		"{'orders': [{'order': 1, 'standby': true}], 'nosuch': 1}",
		"{'orders': [1, 1, 1, 1, 1, 1, 1, 1, 1]}",
		/* Claims more than there are. */
		"{'orders': [{'order': 1, 'procs': true}]}" };
	int fd, mine;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		begin();
		mine = control(&fd);
		notify("fork", &fd, 1, bad[i]);
		peer_closed(&p);
		peer_close(&p);
		ended();
		ck_assert_str_eq(read_text(mine, false), "");
		close(mine);
	}
}
END_TEST

/* The daemon is gone when the first is forked: the others are not, and what it
 * said behind them is read. */
START_TEST(of_the_dead)
{
	int fds[3], a, b, c;

	begin();
	a = control(&fds[0]);
	b = control(&fds[1]);
	c = control(&fds[2]);
	standby_stop(zygote);
	notify("fork", fds, 3,
	    "{'orders': [{'order': 1}, {'order': 2}, {'order': 3}]}");
	notify("lease", NULL, 0, "{'order': 1, 'grace_ns': 1}");
	peer_close(&p);
	ck_assert_int_eq(kill(zygote, SIGCONT), 0);
	ck_assert_str_eq(read_text(b, false), "");
	ck_assert_str_eq(read_text(c, false), "");
	ck_assert_str_eq(read_text(a, false), "");
	ended();
	close(a);
	close(b);
	close(c);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { one_is_wrong, the_ended_come_first,
		without_a_good_array, of_the_dead, NULL };

	return harness_main("orders", tests);
}
