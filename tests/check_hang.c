/*
 * Children that are watched: a hang is seen, told once, and ends nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/dumps.h"
#include "tests/up.h"

static int log_fd; /* what the daemon writes there */

/* The daemon's standard error is a file of ours. */
static void
start(void)
{
	int old = dup(STDERR_FILENO);

	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert(old != -1 && log_fd != -1);
	dup2(log_fd, STDERR_FILENO);
	live_start(dump_config);
	dup2(old, STDERR_FILENO);
	close(old);
}

/* How often TEXT is in the log. */
static int
logged(const char *text)
{
	static char buf[1 << 20];
	ssize_t n = pread(log_fd, buf, sizeof(buf) - 1, 0);
	int found = 0;

	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	for (char *p = buf; (p = strstr(p, text)) != NULL; p++)
		found++;
	return found;
}

/* It hangs twice, and is looked at once. */
START_TEST(told_once)
{
	static const char *const templates[] = { "default", "isolated" };
	struct peer p;
	struct reply r;

	start();
	peer_open(&p);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(run(&p, &r,
				     "{'call': 'hangs:spins_until_looked_at', "
				     "'args': [2.5], 'template': '%s', "
				     "'on_hang_ns': 1000000000}",
				     templates[i]),
		    0);
		ck_assert_int_eq(int_at(&r, "result"), 1);
		ck_assert_int_eq(int_at(&r, "hang.limit_ns"), 1000000000);
		ck_assert_int_ge(int_at(&r, "hang.after_ns"), 1000000000);
		ck_assert_str_eq(str_at(&r, "hang.trio.0.tasks.0.state"),
		    "running");
		ck_assert_str_eq(str_at(&r,
				     "hang.trio.0.tasks.0.stack.0.function"),
		    "spins_until_looked_at");
		ck_assert_ptr_nonnull(strstr(str_at(&r, "hang.stacks"),
		    "in spins_until_looked_at"));
		ck_assert(!has(&r, "hang.id"));
		reply_fini(&r);
		ck_assert_int_eq(logged("op=hang: no answer for 1 s"), i + 1);
		/* Two lines with the function, of the tree and the stacks. */
		ck_assert_int_eq(logged("in spins_until_looked_at"),
		    2 * (i + 1));
	}
	ck_assert_int_eq(logged("\\x"), 0);
	peer_close(&p);
	live_stop();
}
END_TEST

/* In C, for ever: its record has the stacks, though it is killed. */
START_TEST(in_c_code)
{
	struct peer p;
	struct reply r;
	struct up u;
	bool there = false;

	start();
	peer_open(&p);
	u = up_start(&p, ", 'on_hang_ns': 2000000000", "hangs:holds_gil");
	while (!there) {
		ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)u.id);
		ck_assert_int_eq(int_at(&r, "on_hang_ns"), 2000000000);
		there = has(&r, "hang");
		reply_fini(&r);
	}
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_str_eq(str_at(&r, "hang.stacks_by"), "signal");
	ck_assert_ptr_nonnull(strstr(str_at(&r, "hang.stacks"),
	    ", in holds_gil\n"));
	ck_assert_ptr_nonnull(strstr(str_at(&r, "hang.trio_error"),
	    "a call of C code"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The look into it is still on its way. */
START_TEST(ends_while_looked_at)
{
	struct peer p;
	struct reply r;
	struct up u;

	start();
	peer_open(&p);
	u = up_start(&p, ", 'on_hang_ns': 100000000", "deaf");
	while (logged("op=hang: no answer") == 0) {
		ask(&p, &r, "ping", "{}");
		reply_fini(&r);
	}
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	ck_assert_ptr_nonnull(strstr(str_at(&r, "hang.trio_error"),
	    "has ended meanwhile"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Loops that turn answer, each time. */
START_TEST(no_hang)
{
	static const char *const calls[] = { "'hangs:is_pinged', 'args': [3]",
		"'hangs:is_pinged_in_thread', 'args': [3]" };
	struct peer p;
	struct reply r;

	start();
	peer_open(&p);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(run(&p, &r,
				     "{'call': %s, 'on_hang_ns': 2000000000}",
				     calls[i]),
		    0);
		ck_assert(bool_at(&r, "result"));
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* The one that is not promoted has nothing to answer with. */
START_TEST(not_watched)
{
	struct peer p;
	struct reply r;

	start();
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:echo', 'template': 'plain', "
			     "'on_hang_ns': 10000000}"),
	    0);
	ck_assert(!has(&r, "hang"));
	reply_fini(&r);
	ck_assert_int_eq(logged("it is not watched"), 1);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Who stops a child knows that it does not turn. */
START_TEST(stopped_is_no_hang)
{
	struct peer p;
	struct reply r;
	struct up u;

	start();
	peer_open(&p);
	u = up_start(&p, ", 'on_hang_ns': 2000000000", "hangs:family");
	ask(&p, &r, "signal", "{'id': 1, 'signal': %d}", SIGSTOP);
	reply_fini(&r);
	/* Takes longer than a ping and its answer may. */
	ask(&p, &r, "dump", "{'id': 1, 'timeout_ns': 5000000000}");
	ck_assert(has(&r, "stacks_error"));
	reply_fini(&r);
	ask(&p, &r, "signal", "{'id': 1, 'signal': %d}", SIGCONT);
	reply_fini(&r);
	dump_ask(&p, 1, &r);
	ck_assert(bool_at(&r, "turning"));
	reply_fini(&r);
	ask(&p, &r, "cancel", "{'id': 1}");
	reply_fini(&r);
	wait_end(&p, 1, &r);
	ck_assert(!has(&r, "hang"));
	reply_fini(&r);
	ck_assert_int_eq(logged("op=hang"), 0);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(refusals)
{
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	refused(&p, "invalid_params", "on_hang_ns", "spawn",
	    "{'call': 'jobs:echo', 'on_hang_ns': 0}");
	refused(&p, "invalid_params", "on_hang_ns", "spawn",
	    "{'call': 'jobs:echo', 'on_hang_ns': 9999999}");
	refused(&p, "invalid_params", "on_hang_ns", "spawn",
	    "{'call': 'jobs:echo', 'on_hang_ns': 'x'}");
	refused(&p, "invalid_params", "on_hang_ns", "spawn",
	    "{'call': 'jobs:echo', 'on_hang_ns': 100000000000000000}");
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { told_once, in_c_code,
		ends_while_looked_at, no_hang, not_watched, stopped_is_no_hang,
		refusals, NULL };

	return harness_main("hang", tests);
}
