/*
 * Known ways to fail: ends that are not told, or too late, and beginnings.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/modes.h"

/* A child with a pipe at its stdout, and a channel at descriptor 5, of which
 * this side is returned. */
struct channel {
	uint64_t id;
	int out, side;
};

static struct channel
open_channel(struct peer *p, const char *mode, const char *what)
{
	struct channel c;
	struct reply r;
	uint32_t q;
	int out[2], side[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     side),
	    0);
	q = peer_send_fds(p, "spawn", (int[]){ out[1], side[1] }, 2,
	    "{'template': '%s', 'fds': [1, 5], 'grace_ns': 500000000, %s}",
	    mode, what);
	close(out[1]);
	close(side[1]);
	peer_response(p, q, &r);
	c = (struct channel){ int_at(&r, "id"), out[0], side[0] };
	reply_fini(&r);
	return c;
}

/* All is there already: the last output and the end of both. */
static void
is_over(const struct channel *c, const char *words)
{
	char buf[64] = "";

	ck_assert_int_eq(fcntl(c->out, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(read(c->out, buf, sizeof(buf)), strlen(words));
	ck_assert_str_eq(buf, words);
	ck_assert_int_eq(read(c->out, buf, sizeof(buf)), 0);
	ck_assert_int_eq(recv(c->side, buf, sizeof(buf), MSG_DONTWAIT), 0);
	close(c->out);
	close(c->side);
}

/*
 * 3. A parent task waits for ever on a channel to a child that is gone.  Every
 * way in which a child can end gives EOF on what it held, and an event; and
 * when the event is there, so is all that the child has written.
 */
START_TEST(fail_3_channel_to_nobody)
{
	static const char *const ways[] = { "return", "raise", "exit", "_exit",
		"exec", "KILL", "ABRT", "SEGV" };
	static const char *const outer[] = { "cancel", "kill" };
	struct peer p;
	struct reply r;
	struct channel c;
	char what[96];

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < MODES * 8; i++) {
		snprintf(what, sizeof(what),
		    "'call': 'fail:ends', 'args': ['%s']", ways[i % 8]);
		c = open_channel(&p, modes[i / 8], what);
		peer_event(&p, "exited", &r);
		ck_assert_uint_eq((uint64_t)int_at(&r, "id"), c.id);
		reply_fini(&r);
		is_over(&c, "last words\n");
	}
	/* From outside: while it waits for the channel itself, or has blocked
	 * all signals. */
	for (int i = 0; i < MODES * 4; i++) {
		c = open_channel(&p, modes[i / 4],
		    i % 2 == 0 ? "'call': 'fail:holds', 'args': [5]" :
				 "'call': 'jobs:deaf'");
		ck_assert_str_eq(read_text(c.out, true), "up\n");
		ask(&p, &r, outer[i / 2 % 2], "{'id': %ju}", (uintmax_t)c.id);
		reply_fini(&r);
		peer_event(&p, "exited", &r);
		ck_assert_uint_eq((uint64_t)int_at(&r, "id"), c.id);
		reply_fini(&r);
		is_over(&c, "");
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* A spawn that fails; the child is nobody's then. */
static void
stillborn(struct peer *p, const char *code, const char *template,
    const char *start, const char *call, struct reply *r)
{
	uint32_t q = peer_send(p, "spawn",
	    "{'template': '%s', 'start': '%s', 'call': '%s'}", template, start,
	    call);

	peer_response(p, q, r);
	ck_assert_msg(has(r, "code"), "%s of %s has started", call, template);
	ck_assert_str_eq(str_at(r, "code"), code);
}

/* The last ones may still be on their way out. */
static void
nobody_left(struct peer *p)
{
	struct reply list, end;
	char path[48];

	ask(p, &list, "list", "{}");
	for (uint32_t i = 0; i < at(&list, "children")->via.array.size; i++) {
		snprintf(path, sizeof(path), "children.%u.id", i);
		wait_end(p, int_at(&list, path), &end);
		reply_fini(&end);
	}
	reply_fini(&list);
	ask(p, &list, "list", "{}");
	ck_assert_uint_eq(at(&list, "children")->via.array.size, 0);
	reply_fini(&list);
}

#define DIES(name, mode, after_fork) \
	"[template." name "]\nmode = \"" mode "\"\npath = [\"%s\"]\n" \
	"start = \"demand\"\npreload = [\"trio\", \"fail\"]\n" \
	"after_fork = [\"fail:" after_fork "\"]\n"

/*
 * 7. A child dies at birth, and who asked waits for a time-out, or for ever:
 * at the import of what it shall run, or in a function that the template calls
 * in each child.  Here the spawn fails with the reason, without any time-out,
 * and nothing is left.
 */
START_TEST(fail_7_dies_at_birth)
{
	static const char *const starts[] = { "warm", "cold" };
	static const char *const kinds[] = { "default", "isolated" };
	struct peer p;
	struct reply r;
	char name[32];

	live_start(TWO_MODES DIES("signal_default", "legacy",
	    "dies_in_after_fork") DIES("signal_isolated", "isolated",
	    "dies_in_after_fork") DIES("exit_default", "legacy",
	    "exits_in_after_fork") DIES("exit_isolated", "isolated",
	    "exits_in_after_fork")
		DIES("raise_default", "legacy", "raises_in_after_fork")
		    DIES("raise_isolated", "isolated", "raises_in_after_fork"));
	peer_open(&p);
	for (int i = 0; i < MODES * 2; i++) {
		const char *kind = kinds[i / 2], *start = starts[i % 2];

		stillborn(&p, "import_failed", kind, start, "no_such:f", &r);
		ck_assert_str_eq(str_at(&r, "type"), "ModuleNotFoundError");
		reply_fini(&r);
		stillborn(&p, "import_failed", kind, start,
		    "raises_at_import:f", &r);
		ck_assert_ptr_nonnull(strstr(str_at(&r, "traceback"),
		    "raises_at_import.py"));
		reply_fini(&r);
		stillborn(&p, "import_failed", kind, start, "exits_at_import:f",
		    &r);
		ck_assert_str_eq(str_at(&r, "type"), "SystemExit");
		reply_fini(&r);
		stillborn(&p, "child_died", kind, start, "crashes_at_import:f",
		    &r);
		ck_assert(has(&r, "signal"));
		reply_fini(&r);
		snprintf(name, sizeof(name), "signal_%s", kind);
		stillborn(&p, "child_died", name, start, "jobs:echo", &r);
		ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
		reply_fini(&r);
		snprintf(name, sizeof(name), "exit_%s", kind);
		stillborn(&p, "child_died", name, start, "jobs:echo", &r);
		ck_assert_int_eq(int_at(&r, "exit_code"), 3);
		reply_fini(&r);
		snprintf(name, sizeof(name), "raise_%s", kind);
		stillborn(&p, "template_failed", name, start, "jobs:echo", &r);
		ck_assert_ptr_nonnull(strstr(str_at(&r, "traceback"),
		    "raises_in_after_fork"));
		reply_fini(&r);
	}
	nobody_left(&p);
	peer_close(&p);
	live.baseline += 14; /* zygotes: six on demand, eight cold ones */
	live_stop();
}
END_TEST

/*
 * 12. A grandchild keeps the control socket, whose EOF would be the end.  Here
 * the exit is: both a program that was given the descriptor and a copy of the
 * child that knows nothing of at-fork handlers live on.
 */
START_TEST(fail_12_grandchild_keeps_the_socket)
{
	static const char *const calls[] = { "leaves_control",
		"forks_and_leaves" };
	struct peer p;
	struct reply r;
	char path[64], link[64];
	pid_t left;

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < MODES * 2; i++) {
		ssize_t n;

		ck_assert_int_eq(run(&p, &r,
				     "{'template': '%s', 'call': 'fail:%s'}",
				     modes[i / 2], calls[i % 2]),
		    0);
		left = int_at(&r, "result");
		reply_fini(&r);
		snprintf(path, sizeof(path), "/proc/%d/fd/511", (int)left);
		n = readlink(path, link, sizeof(link));
		ck_assert_msg(n > 7 && memcmp(link, "socket:", 7) == 0, "%s",
		    path);
		ck_assert_int_eq(kill(left, SIGKILL), 0);
		process_gone(left);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* What connects to FD next. */
static int
accepted(int fd)
{
	struct pollfd w = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&w, 1, DEADLINE_S * 1000);
	while (r == -1 && errno == EINTR);
	ck_assert_msg(r == 1, "nobody has connected");
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

/*
 * 14. A child connects back to its client before the spawn's reply is there,
 * and the client does not know who that is, or waits for the reply first.
 * Nothing of the daemon's waits here: the reply comes when the child has had
 * its answer, and has the pid of who connected.
 */
START_TEST(fail_14_connects_back_first)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct peer p;
	struct reply r;
	struct ucred who;
	socklen_t n = sizeof(who);
	int fd, child;
	uint32_t q;
	uint64_t id;

	live_start(TWO_MODES);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/back", live.dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	peer_open(&p);
	for (int i = 0; i < MODES; i++) {
		q = peer_send(&p, "spawn",
		    "{'template': '%s', 'call': 'connects:main', 'env': "
		    "{'BACK': '%s'}}",
		    modes[i], sun.sun_path);
		child = accepted(fd);
		ck_assert_int_eq(getsockopt(child, SOL_SOCKET, SO_PEERCRED,
				     &who, &n),
		    0);
		ck_assert_int_eq(atoi(read_text(child, true)), who.pid);
		/* It is not running yet: it imports. */
		ask(&p, &r, "status", "{}");
		ck_assert_int_eq(int_at(&r, "children.starting"), 1);
		reply_fini(&r);
		ck_assert_int_eq(write(child, "a", 1), 1);
		peer_response(&p, q, &r);
		id = int_at(&r, "id");
		ck_assert_int_eq(int_at(&r, "pid"), who.pid);
		reply_fini(&r);
		wait_end(&p, id, &r);
		ck_assert_str_eq(str_at(&r, "result"), "a");
		reply_fini(&r);
		close(child);
	}
	close(fd);
	unlink(sun.sun_path);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { fail_3_channel_to_nobody,
		fail_7_dies_at_birth, fail_12_grandchild_keeps_the_socket,
		fail_14_connects_back_first, NULL };

	return harness_main("fail_ends", tests);
}
