/*
 * Limits of time: how long a child may take to start, and to live.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/gate.h"
#include "tests/harness.h"
#include "tests/up.h"

START_TEST(time_is_over)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	/* A cancel as any other: shielded clean-up runs. */
	u = up_start(&p, ", 'timeout_ns': 100000000", "clean_up");
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 128 + SIGTERM);
	ck_assert(bool_at(&r, "timed_out") && bool_at(&r, "cancelled"));
	ck_assert(!bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	/* And a kill after the grace. */
	u = up_start(&p, ", 'timeout_ns': 100000000, 'grace_ns': 100000000",
	    "stubborn");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	ck_assert(bool_at(&r, "timed_out") && bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(time_is_not_over)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p,
	    ", 'timeout_ns': 3600000000000, "
	    "'start_timeout_ns': 3600000000000",
	    "hang");
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)u.id);
	ck_assert_int_eq(int_at(&r, "timeout_ns"), 3600000000000);
	reply_fini(&r);
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "timed_out"));
	reply_fini(&r);
	close(u.out);
	/* The limit of the start does not count for the life. */
	u = up_start(&p, ", 'start_timeout_ns': 30000000000", "hang");
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)u.id);
	ck_assert(!has(&r, "timeout_ns"));
	reply_fini(&r);
	peer_close(&p);
	close(u.out);
	live_stop();
}
END_TEST

/* The daemon hears of a child's start and end at once, the end first, perhaps:
 * no limit counts from then on, as that would end up in the record. */
START_TEST(over_when_it_is_heard_of)
{
	struct peer p;
	struct reply r;
	struct gate g;
	struct up later;
	pid_t pid;
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	g = gate_make();
	q = peer_send(&p, "spawn",
	    "{'call': 'waits_at_import:main', 'timeout_ns': 100000000, "
	    "'env': {'GATE': '%s'}}",
	    g.path);
	id = newest(&p);
	do {
		ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
		pid = int_at(&r, "pid");
		reply_fini(&r);
	} while (pid == 0);
	ck_assert_int_eq(kill(live.pid, SIGSTOP), 0);
	gate_open(&g);
	process_reaped(pid);
	ck_assert_int_eq(kill(live.pid, SIGCONT), 0);
	peer_response(&p, q, &r);
	ck_assert_int_eq(int_at(&r, "id"), id);
	reply_fini(&r);
	/* A limit that is over after that one would have been. */
	later = up_start(&p, ", 'timeout_ns': 300000000", "hang");
	wait_end(&p, later.id, &r);
	ck_assert(bool_at(&r, "timed_out"));
	reply_fini(&r);
	close(later.out);
	wait_end(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert(!bool_at(&r, "timed_out"));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

static void
expect_no_start(struct peer *p, const char *what)
{
	struct reply r;
	uint32_t id = peer_send(p, "spawn",
	    "{%s, 'start_timeout_ns': 300000000}", what);

	peer_response(p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "timeout");
	ck_assert_str_eq(str_at(&r, "message"),
	    "the child has not started within 0.3 s");
	reply_fini(&r);
	/* It is killed, not forgotten: none is left to be seen. */
	for (size_t n = 1; n > 0;) {
		ask(p, &r, "list", "{}");
		n = at(&r, "children")->via.array.size;
		reply_fini(&r);
	}
}

START_TEST(start_takes_too_long)
{
	struct peer p;
	struct reply r;

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.hangs]\npath = [\"%s\"]\nstart = \"demand\"\n"
		   "preload = [\"hangs_at_import\"]\n"
		   "preload_timeout = 1.0\n");
	peer_open(&p);
	/* While it imports, and while its template does. */
	expect_no_start(&p, "'call': 'hangs_at_import:main'");
	expect_no_start(&p, "'code': 'pass', 'template': 'hangs'");
	/* Nobody waits for that template any more; until it is given up its
	 * zygote is there. */
	for (bool failed = false; !failed;) {
		ask(&p, &r, "templates", "{}");
		failed = strcmp(str_at(&r, "templates.1.state"), "failed") == 0;
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(wrong_limits)
{
	static const char *const keys[] = { "timeout_ns", "start_timeout_ns" };
	static const char *const values[] = { "0", "-1", "1.5", "'1'", "true",
		"40000000000000000" };
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	for (size_t k = 0; k < 2; k++)
		for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
			refused(&p, "invalid_params", keys[k], "spawn",
			    "{'code': 'pass', '%s': %s}", keys[k], values[v]);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { time_is_over, time_is_not_over,
		over_when_it_is_heard_of, start_takes_too_long, wrong_limits,
		NULL };

	return harness_main("limits", tests);
}
