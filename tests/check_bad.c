/*
 * Bad input to a real daemon: what is malformed costs its connection, what is
 * wrong an error reply, and nothing else is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/clock.h"
#include "tests/harness.h"

/* Another connection with a child of its own, which must not notice. */
static struct peer other;
static uint64_t child;

static void
begin(const char *config)
{
	live_start(config);
	peer_open(&other);
	child = spawn(&other, "{'call': 'jobs:hang'}");
}

/* All that the test's other connections have asked for has ended. */
static void
end(void)
{
	uint64_t until = clock_ns() + DEADLINE_S * NS_PER_S;
	struct reply r;

	ask(&other, &r, "list", "{}");
	while (at(&r, "children")->via.array.size > 1) {
		ck_assert_msg(clock_ns() < until, "a child is left");
		reply_fini(&r);
		ask(&other, &r, "list", "{}");
	}
	ck_assert_int_eq(int_at(&r, "children.0.id"), (int64_t)child);
	ck_assert_str_eq(str_at(&r, "children.0.state"), "running");
	reply_fini(&r);
	ask(&other, &r, "cancel", "{'id': %ju}", (uintmax_t)child);
	reply_fini(&r);
	wait_end(&other, child, &r);
	reply_fini(&r);
	peer_close(&other);
	live_stop();
}

START_TEST(malformed_frames)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{ "\xc1", 1 },                     /* no value */
		{ "\x07", 1 },                     /* no array */
		{ "\x93\x00\x01\xa4ping", 8 },     /* request of three */
		{ "\x94\x05\x01\xa4ping\x90", 9 }, /* type five */
		{ "\x94\x00\xff\xa4ping\x90", 9 }, /* id below 0 */
		{ "\x93\x02\x01\x90", 4 },         /* method is no str */
		{ "\xdd\x10\x00\x00\x00", 5 },     /* 8 GB to unpack */
		{ "\xdb\xff\xff\xff\xff", 5 },     /* over the limit */
	};
	char deep[64];
	struct peer p;

	begin(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		peer_open(&p);
		peer_raw(&p, bad[i].bytes, bad[i].n);
		peer_closed(&p);
		peer_close(&p);
	}
	memset(deep, '\x91', sizeof(deep));
	peer_open(&p);
	peer_raw(&p, deep, sizeof(deep));
	peer_closed(&p);
	peer_close(&p);
	peer_open(&p);
	peer_raw(&p, "\x94\x00\x01\xa4pi", 6);
	peer_close(&p);
	end();
}
END_TEST

START_TEST(requests_that_are_refused)
{
	static const struct {
		const char *method, *params, *code, *key;
	} bad[] = {
		{ "nosuch", "{}", "unknown_method", NULL },
		{ "ping", "{'x': 1}", "invalid_params", "x" },
		{ "spawn", "{}", "invalid_params", "call" },
		{ "spawn", "{'call': 'a:b', 'code': '1'}", "invalid_params",
		    "call" },
		{ "spawn", "{'call': 'nocolon'}", "invalid_params", "call" },
		{ "spawn", "{'call': 7}", "invalid_params", "call" },
		{ "spawn", "{'code': '1', 'args': [1]}", "invalid_params",
		    "args" },
		{ "spawn", "{'code': '1', 'nosuch': 1}", "invalid_params",
		    "nosuch" },
		{ "spawn", "{'code': '1', 'argv': [1]}", "invalid_params",
		    "argv[0]" },
		{ "spawn", "{'code': '1', 'env': {'A=B': 'c'}}",
		    "invalid_params", "env" },
		{ "spawn", "{'code': '1', 'env': {'A': 1}}", "invalid_params",
		    NULL },
		{ "spawn", "{'code': '1', 'cwd': x'2f00'}", "invalid_params",
		    "cwd" },
		{ "spawn", "{'code': '1', 'cwd': ''}", "invalid_params",
		    "cwd" },
		{ "spawn", "{'code': '1', 'umask': 512}", "invalid_params",
		    "umask" },
		{ "spawn", "{'code': '1', 'fds': [511]}", "invalid_params",
		    "fds[0]" },
		{ "spawn", "{'code': '1', 'fds': [3, 3]}", "invalid_params",
		    "fds[1]" },
		{ "spawn", "{'code': '1', 'tty': 0}", "invalid_params", "tty" },
		{ "spawn", "{'code': '1', 'start': 'hot'}", "invalid_params",
		    "start" },
		{ "spawn", "{'code': '1', 'detached': 1}", "invalid_params",
		    "detached" },
		{ "spawn", "{'code': '1', 'grace_ns': -1}", "invalid_params",
		    "grace_ns" },
		{ "spawn", "{'code': '1', 'template': 'nosuch'}",
		    "unknown_template", NULL },
		{ "spawn", "{'code': '1', 'fds': [1]}", "bad_fds", NULL },
		{ "wait", "{}", "invalid_params", "id" },
		{ "wait", "{'id': 0}", "not_found", NULL },
		{ "wait", "{'id': 'x'}", "invalid_params", "id" },
		{ "cancel", "{'id': 99}", "not_found", NULL },
		{ "kill", "{'id': 99}", "not_found", NULL },
		{ "signal", "{'id': 99, 'signal': 1}", "not_found", NULL },
		{ "signal", "{'id': 1}", "invalid_params", "signal" },
		{ "signal", "{'id': 1, 'signal': 65}", "invalid_params",
		    "signal" },
		{ "signal", "{'id': 1, 'signal': 0}", "invalid_params",
		    "signal" },
		{ "inspect", "{'id': 99}", "not_found", NULL },
		{ "list", "{'all': 1}", "invalid_params", "all" },
		{ "shutdown", "{'grace_ns': 'x'}", "invalid_params",
		    "grace_ns" },
	};
	struct reply r;

	begin(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(&other, bad[i].code, bad[i].key, bad[i].method, "%s",
		    bad[i].params);
	/* Well-formed, and no request: it is answered, and all goes on. */
	peer_raw(&other, "\x94\x00\x05\xa4ping\x91\x01", 10);
	peer_response(&other, 5, &r);
	ck_assert_str_eq(str_at(&r, "code"), "invalid_request");
	reply_fini(&r);
	/* Notifications are not answered, known or not. */
	peer_raw(&other, "\x93\x02\xa4ping\x90\x93\x02\xa1x\x92\x01\x02", 15);
	end();
}
END_TEST

START_TEST(setup_that_fails)
{
	struct peer p;
	struct reply r;
	uint32_t id;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	begin(NULL);
	peer_open(&p);
	id = peer_send(&p, "spawn", "{'code': '1', 'cwd': '/nonexistent'}");
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "setup_failed");
	ck_assert_str_eq(str_at(&r, "step"), "cwd");
	ck_assert_str_eq(str_at(&r, "object"), "/nonexistent");
	ck_assert_int_eq(int_at(&r, "errno"), ENOENT);
	reply_fini(&r);
	id = peer_send(&p, "spawn", "{'code': '1', 'cwd': '/etc/passwd'}");
	peer_response(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "errno"), ENOTDIR);
	reply_fini(&r);
	id = peer_send_fds(&p, "spawn", &null, 1,
	    "{'code': '1', 'fds': [0], 'tty': 0}");
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "setup_failed");
	ck_assert_str_eq(str_at(&r, "step"), "tty");
	ck_assert_int_eq(int_at(&r, "errno"), ENOTTY);
	reply_fini(&r);
	close(null);
	peer_close(&p);
	end();
}
END_TEST

/* N copies of FD on the first byte of BYTES. */
static void
raw_fds(struct peer *p, const void *bytes, size_t len, int fd, int n)
{
	union {
		char buf[CMSG_SPACE(253 * sizeof(int))];
		struct cmsghdr align;
	} ctl = { 0 };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
	ck_assert_int_eq(sendmsg(p->st.fd, &mh, 0), (ssize_t)len);
}

static const char ping[] = "\x94\x00\x01\xa4ping\x90";

START_TEST(descriptors_nobody_claims)
{
	struct peer p;
	struct reply r;
	uint32_t id;
	int fds[65];

	begin(NULL);
	for (int i = 0; i < 65; i++)
		fds[i] = STDERR_FILENO;
	/* No frame is begun when they are left over. */
	peer_open(&p);
	raw_fds(&p, ping, 9, STDERR_FILENO, 1);
	peer_closed(&p);
	peer_close(&p);
	peer_open(&p);
	raw_fds(&p, ping, 9, STDERR_FILENO, 253);
	peer_closed(&p);
	peer_close(&p);
	peer_open(&p);
	id = peer_send_fds(&p, "spawn", fds, 65,
	    "{'code': '1', 'fds': "
	    "[10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,"
	    "31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,"
	    "53,54,55,56,57,58,59,60,61,62,63,64,65,66,67,68,69,70,71,72,73,"
	    "74]}");
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "limit");
	ck_assert_str_eq(str_at(&r, "key"), "fds");
	reply_fini(&r);
	peer_close(&p);
	end();
}
END_TEST

/* The kernel truncates the control message when the daemon can have no more
 * descriptors: nobody knows then which is whose. */
START_TEST(truncated_control_message)
{
	struct rlimit old, low;
	struct peer p;
	struct reply r;

	begin(NULL);
	peer_open(&p);
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	ck_assert_int_eq(prlimit(live.pid, RLIMIT_NOFILE, NULL, &old), 0);
	low = old;
	low.rlim_cur = fd_count(live.pid) + 2;
	ck_assert_int_eq(prlimit(live.pid, RLIMIT_NOFILE, &low, NULL), 0);
	raw_fds(&p, ping, 9, STDERR_FILENO, 100);
	peer_closed(&p);
	ck_assert_int_eq(prlimit(live.pid, RLIMIT_NOFILE, &old, NULL), 0);
	peer_close(&p);
	end();
}
END_TEST

START_TEST(client_killed_inside_a_frame)
{
	pid_t pid;
	struct peer p;
	int status;

	begin(NULL);
	pid = fork();
	if (pid == 0) {
		peer_open(&p);
		spawn(&p, "{'call': 'jobs:hang'}");
		peer_raw(&p, "\x94\x00\x09\xa5spa", 7);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	end();
}
END_TEST

/* One that asks without end and reads nothing: the others are served, and the
 * daemon's memory is bounded. */
START_TEST(client_that_never_reads)
{
	struct peer p;
	struct reply r;
	long before;
	ssize_t n;

	begin(NULL);
	before = rss_kb(live.pid);
	peer_open(&p);
	fcntl(p.st.fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 200000; i++) {
		n = send(p.st.fd, "\x94\x00\x01\xa6status\x90", 11,
		    MSG_NOSIGNAL);
		if (n == 11)
			continue;
		ck_assert(n == -1 && errno == EAGAIN);
		break;
	}
	ck_assert_int_eq(n, -1); /* it stopped to read us */
	for (int i = 0; i < 10; i++) {
		ask(&other, &r, "ping", "{}");
		reply_fini(&r);
	}
	ck_assert_int_lt(rss_kb(live.pid) - before, 32 * 1024);
	peer_close(&p);
	end();
}
END_TEST

START_TEST(limits)
{
	struct peer p, more;
	struct reply r;

	begin("[server]\nmax_children = 3\nmax_clients = 3\n"
	      "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	spawn(&p, "{'call': 'jobs:hang'}");
	spawn(&p, "{'call': 'jobs:hang'}");
	refused(&p, "busy", NULL, "spawn", "{'call': 'jobs:hang'}");
	peer_open(&more);
	ask(&more, &r, "ping", "{}");
	reply_fini(&r);
	struct peer last;

	peer_open(&last);
	refused(&last, "busy", NULL, "ping", "{}");
	peer_closed(&last);
	peer_close(&last);
	peer_close(&more);
	peer_close(&p);
	end();
}
END_TEST

START_TEST(foreign_uid_is_refused)
{
	pid_t pid;
	int status;
	struct peer p;

	if (getuid() != 0) {
		puts("SKIP foreign_uid_is_refused: cannot be another user");
		return;
	}
	begin(NULL);
	ck_assert_int_eq(chmod(live.dir, 0755), 0);
	ck_assert_int_eq(chmod(live.socket, 0666), 0);
	pid = fork();
	if (pid == 0) {
		ck_assert_int_eq(setuid(65534), 0);
		peer_open(&p);
		refused(&p, "denied", NULL, "ping", "{}");
		peer_closed(&p);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	end();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { malformed_frames,
		requests_that_are_refused, setup_that_fails,
		descriptors_nobody_claims, truncated_control_message,
		client_killed_inside_a_frame, client_that_never_reads, limits,
		foreign_uid_is_refused, NULL };

	return harness_main("bad", tests);
}
