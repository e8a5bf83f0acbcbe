/*
 * Looking into children: what hangs in which way, and that nothing is changed
 * by a look.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/dumps.h"
#include "tests/up.h"

START_TEST(tree_of_tasks)
{
	static const char *const templates[] = { "default", "isolated" };
	struct peer p;
	struct reply r;
	struct up u;
	char extra[64];

	live_start(dump_config);
	peer_open(&p);
	for (int i = 0; i < 4; i++) {
		snprintf(extra, sizeof(extra),
		    ", 'template': '%s', 'start': '%s'", templates[i % 2],
		    i < 2 ? "warm" : "cold");
		u = up_start(&p, extra, "hangs:family");
		/* Twice: a look leaves it as it was. */
		for (int n = 0; n < 2; n++) {
			dump_ask(&p, u.id, &r);
			ck_assert_int_eq(int_at(&r, "pid"), u.pid);
			ck_assert_str_eq(str_at(&r, "state"), "running");
			dump_is_family(&r);
			reply_fini(&r);
		}
		dump_kill(&p, &u);
	}
	live.baseline += 2; /* the sockets of two cold zygotes */
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(many_tasks)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(dump_config);
	peer_open(&p);
	u = up_start(&p, ", 'args': [200]", "hangs:family");
	dump_ask(&p, u.id, &r);
	ck_assert_uint_eq(at(&r, "trio.0.tasks")->via.array.size, 202);
	ck_assert_int_eq(int_at(&r,
			     dump_path(dump_task(&r, "kid-199"), "parent")),
	    0);
	dump_has(&r, "trio.0.tree", "kid-199 (blocked)\n");
	reply_fini(&r);
	dump_kill(&p, &u);
	/* Over the bound: the first of them, and word of the others. */
	u = up_start(&p, ", 'args': [3000]", "hangs:family");
	dump_ask(&p, u.id, &r);
	ck_assert_uint_eq(at(&r, "trio.0.tasks")->via.array.size, 500);
	ck_assert_int_ge(int_at(&r, "trio.0.living"), 3002);
	dump_has(&r, "trio.0.tree", " more\n");
	reply_fini(&r);
	dump_kill(&p, &u);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(busy_python)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(dump_config);
	peer_open(&p);
	u = up_start(&p, "", "hangs:spins");
	ask(&p, &r, "dump", "{'id': %ju, 'timeout_ns': 2000000000}",
	    (uintmax_t)u.id);
	ck_assert(!bool_at(&r, "turning"));
	ck_assert_str_eq(str_at(&r, "trio.0.tasks.0.state"), "running");
	ck_assert_str_eq(str_at(&r, "trio.0.tasks.0.stack.0.function"),
	    "spins");
	ck_assert_str_eq(str_at(&r, "trio.0.tasks.0.stack.1.function"),
	    "spin_here");
	ck_assert_int_eq(int_at(&r,
			     dump_path(dump_task(&r, "beside-it"), "parent")),
	    0);
	dump_has(&r, "stacks", ", in spin_here\n");
	reply_fini(&r);
	dump_kill(&p, &u);
	peer_close(&p);
	live_stop();
}
END_TEST

/* It says that it is up before it is in what its stacks shall show. */
static void
dump_until(struct peer *p, uint64_t id, const char *what, struct reply *r)
{
	for (;;) {
		ask(p, r, "dump", "{'id': %ju, 'timeout_ns': 4000000000}",
		    (uintmax_t)id);
		if (strstr(str_at(r, "stacks"), what) != NULL)
			return;
		reply_fini(r);
	}
}

START_TEST(c_call_that_holds_the_gil)
{
	static const char *const templates[] = { "default", "isolated",
		"plain" };
	struct peer p;
	struct reply r;
	struct up u;
	char extra[64];

	live_start(dump_config);
	peer_open(&p);
	for (int i = 0; i < 3; i++) {
		snprintf(extra, sizeof(extra), ", 'template': '%s'",
		    templates[i]);
		u = up_start(&p, extra, "hangs:trio_holds_gil");
		for (int n = 0; n < 2; n++) {
			dump_until(&p, u.id, "holds the GIL", &r);
			ck_assert(!has(&r, "trio"));
			dump_has(&r, "trio_error",
			    i == 2 ? "unpromoted" : "a call of C code");
			ck_assert_str_eq(str_at(&r, "stacks_by"), "signal");
			dump_has(&r, "stacks", ", the main one, holds the GIL");
			dump_has(&r, "stacks", ", in holds_gil\n");
			dump_has(&r, "stacks", "hangs.py\", line ");
			dump_has(&r, "stacks",
			    ", in \xe5\x90\x8d\xe5\x89\x8d\n");
			dump_has(&r, "stacks", ", in trio_holds_gil\n");
			reply_fini(&r);
		}
		dump_kill(&p, &u);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(trio_in_another_thread)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(dump_config);
	peer_open(&p);
	u = up_start(&p, "", "hangs:in_thread");
	dump_ask(&p, u.id, &r);
	dump_is_family(&r);
	ck_assert_int_ne(int_at(&r, "trio.0.thread"), u.pid);
	dump_has(&r, "trio.0.tree", "'trios-own'");
	dump_has(&r, "stacks", "the main one");
	dump_has(&r, "stacks", ", in in_thread\n");
	dump_has(&r, "stacks", "'trios-own'");
	reply_fini(&r);
	dump_kill(&p, &u);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(without_trio)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(dump_config);
	peer_open(&p);
	u = up_start(&p, "", "hangs:without_trio");
	dump_until(&p, u.id, ", in wait_here\n", &r);
	ck_assert_uint_eq(at(&r, "trio")->via.array.size, 0);
	ck_assert(!has(&r, "turning"));
	dump_has(&r, "stacks", "time.sleep(1000)\n");
	reply_fini(&r);
	dump_kill(&p, &u);
	/* Not promoted: by the handler in C, and it is seen where it waits. */
	u = up_start(&p, ", 'template': 'plain'", "hangs:without_trio");
	dump_until(&p, u.id, ", in wait_here\n", &r);
	dump_has(&r, "trio_error", "unpromoted");
	reply_fini(&r);
	dump_kill(&p, &u);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { tree_of_tasks, many_tasks, busy_python,
		c_call_that_holds_the_gil, trio_in_another_thread, without_trio,
		NULL };

	return harness_main("dump", tests);
}
