/*
 * How children end: cancelling, grace, waiting.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/up.h"

static void
cancel(struct peer *p, uint64_t id, const char *extra)
{
	struct reply r;

	ask(p, &r, "cancel", "{'id': %ju%s}", (uintmax_t)id, extra);
	reply_fini(&r);
}

START_TEST(cancel_ends_trio)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "hang");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	/* Shielded clean-up runs to its end. */
	u = up_start(&p, "", "clean_up");
	cancel(&p, u.id, "");
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	close(u.out);
	/* Code behind trio.run does not go on with None. */
	u = up_start(&p, "", "after_cancel");
	cancel(&p, u.id, "");
	ck_assert_str_eq(read_text(u.out, false), "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(cancel_reaches_any_thread)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "in_thread");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_int_eq(int_at(&r, "result.0"), 143);
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The cancel may overtake the coroutine's first step. */
START_TEST(cancel_at_once)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < 20; i++) {
		uint64_t id = spawn(&p, "{'call': 'jobs:hang'}");

		cancel(&p, id, "");
		wait_end(&p, id, &r);
		ck_assert_int_eq(int_at(&r, "exit_code"), 143);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(cancel_without_trio_is_sigterm)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "busy");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGTERM);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* A signal that comes between CPython's last look and a wait is not seen: it
 * must come again. */
START_TEST(cancel_is_told_until_it_is_heard)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "heard_at_the_second_signal");
	cancel(&p, u.id, ", 'grace_ns': 20000000000");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGTERM);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(sigterm_cancels_a_function)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "clean_up");
	ask(&p, &r, "signal", "{'id': %ju, 'signal': %d}", (uintmax_t)u.id,
	    SIGTERM);
	reply_fini(&r);
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	ck_assert(!bool_at(&r, "cancelled"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(grace_ends_with_sigkill)
{
	struct peer p;
	struct reply r;
	struct up u, v;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, ", 'grace_ns': 100000000", "stubborn");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	ck_assert(bool_at(&r, "cancelled") && bool_at(&r, "killed"));
	reply_fini(&r);
	/* A second cancel may shorten the grace; none may lengthen it. */
	v = up_start(&p, ", 'grace_ns': 3600000000000", "deaf");
	cancel(&p, v.id, "");
	cancel(&p, v.id, ", 'grace_ns': 100000000");
	cancel(&p, v.id, ", 'grace_ns': 3600000000000");
	wait_end(&p, v.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	close(u.out);
	close(v.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(kill_and_signal)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "stubborn");
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	ck_assert(bool_at(&r, "killed") && !bool_at(&r, "cancelled"));
	reply_fini(&r);
	close(u.out);
	u = up_start(&p, "", "hang");
	ask(&p, &r, "signal", "{'id': %ju, 'signal': %d}", (uintmax_t)u.id,
	    SIGINT);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGINT);
	ck_assert_str_eq(str_at(&r, "exception.type"), "KeyboardInterrupt");
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(waiters)
{
	struct peer a, b;
	struct reply r;
	struct up u;
	uint32_t ids[3];

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	u = up_start(&a, "", "hang");
	refused(&b, "timeout", NULL, "wait",
	    "{'id': %ju, 'timeout_ns': 10000000}", (uintmax_t)u.id);
	for (int i = 0; i < 3; i++)
		ids[i] = peer_send(i == 0 ? &a : &b, "wait", "{'id': %ju}",
		    (uintmax_t)u.id);
	cancel(&a, u.id, "");
	for (int i = 0; i < 2; i++) { /* in either order */
		peer_next(&b, &r);
		ck_assert(r.msg.id == ids[1] || r.msg.id == ids[2]);
		ck_assert_int_eq(int_at(&r, "exit_code"), 143);
		reply_fini(&r);
	}
	peer_response(&a, ids[0], &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	/* After the end it answers at once. */
	wait_end(&b, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	refused(&b, "not_running", NULL, "cancel", "{'id': %ju}",
	    (uintmax_t)u.id);
	refused(&b, "not_running", NULL, "signal", "{'id': %ju, 'signal': 1}",
	    (uintmax_t)u.id);
	close(u.out);
	peer_close(&a);
	peer_close(&b);
	live_stop();
}
END_TEST

/* Over at its exit, though a grandchild holds all that it had. */
START_TEST(over_at_the_exit)
{
	struct peer p;
	struct reply r;
	pid_t grandchild = 0;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(
	    run(&p, &r,
		"{'code': 'import os, time\\npid = "
		"os.fork()\\nif pid == 0: time.sleep(3600)\\nopen(\"%s/pid\", "
		"\"w\").write(str(pid))'}",
		live.dir),
	    0);
	reply_fini(&r);
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/pid", live.dir);
	f = fopen(path, "r");
	ck_assert(f != NULL);
	ck_assert_int_eq(fscanf(f, "%d", &grandchild), 1);
	fclose(f);
	unlink(path);
	/* What a child leaves behind is the daemon's to reap. */
	kill(grandchild, SIGKILL);
	process_gone(grandchild);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { cancel_ends_trio,
		cancel_reaches_any_thread, cancel_at_once,
		cancel_without_trio_is_sigterm,
		cancel_is_told_until_it_is_heard, sigterm_cancels_a_function,
		grace_ends_with_sigkill, kill_and_signal, waiters,
		over_at_the_exit, NULL };

	return harness_main("life", tests);
}
