/*
 * What a standby has made ahead of its job, its first trio.run, is as in any other
 * child, and in the way of none.
 */
#include <fcntl.h>
#include <unistd.h>

#include "tests/harness.h"

static const char config[] = "[template.default]\n"
			     "path = [\"%s\"]\n"
			     "preload = [\"trio\", \"ahead\"]\n";

static void
expect_woken(const struct reply *r)
{
	ck_assert_int_eq(int_at(r, "exit_code"), 0);
	ck_assert_str_eq(str_at(r, "start"), "standby");
	ck_assert(bool_at(r, "result"));
}

static void
woken(const char *call)
{
	struct peer p;
	struct reply r;

	live_start_standbys(config);
	peer_open(&p);
	run(&p, &r, "{'call': '%s'}", call);
	expect_woken(&r);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}

START_TEST(trio_is_woken_by_them)
{
	woken("ahead:woken");
}
END_TEST

static int64_t
loop_number(struct peer *p, const char *asked, const char *start)
{
	struct reply r;
	int64_t n;

	run(p, &r, "{'call': 'ahead:loop_number', 'start': '%s'}", asked);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_str_eq(str_at(&r, "start"), start);
	n = int_at(&r, "result");
	reply_fini(&r);
	live_standbys_full();
	return n;
}

START_TEST(a_run_is_entered)
{
	struct peer p;

	live_start_standbys(config);
	peer_open(&p);
	ck_assert_int_lt(loop_number(&p, "warm", "warm"), 496);
	ck_assert_int_ge(loop_number(&p, "any", "standby"), 496);
	ck_assert_int_ge(loop_number(&p, "any", "standby"), 496);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(a_plain_function_closes_all)
{
	woken("ahead:closes");
}
END_TEST

START_TEST(a_module_closes_all_at_its_import)
{
	woken("closes_at_import:main");
}
END_TEST

/* Their own numbers are the job's, one by one. */
START_TEST(a_job_takes_their_numbers)
{
	const int numbers[] = { 3, 496, 497, 499, 510 };
	struct peer p;
	struct reply r;
	uint64_t id;
	int out[2];

	live_start_standbys(config);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
		id = peer_send_fds(&p, "spawn", &out[1], 1,
		    "{'call': 'ahead:woken', 'args': [%d], 'fds': [%d]}",
		    numbers[i], numbers[i]);
		close(out[1]);
		peer_response(&p, id, &r);
		id = int_at(&r, "id");
		reply_fini(&r);
		ck_assert_str_eq(read_text(out[0], false), "from the thread\n");
		close(out[0]);
		wait_end(&p, id, &r);
		expect_woken(&r);
		reply_fini(&r);
		live_standbys_full();
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(a_job_has_no_copy_of_them)
{
	struct peer p;

	live_start_standbys(config);
	peer_open(&p);
	refused(&p, "setup_failed", NULL, "spawn",
	    "{'call': 'ahead:woken', 'files': [{'fd': 5, 'copy': 497}]}");
	peer_close(&p);
	live_stop();
}
END_TEST

/* The exit record of JOB, from a standby and forked for it, has the same at KEY. */
static void
alike(struct peer *p, const char *job, const char *key)
{
	struct reply r, ahead;

	run(p, &ahead, "{%s}", job);
	ck_assert_str_eq(str_at(&ahead, "start"), "standby");
	run(p, &r, "{%s, 'start': 'warm'}", job);
	ck_assert_str_eq(str_at(&r, "start"), "warm");
	ck_assert_str_eq(str_at(&ahead, key), str_at(&r, key));
	reply_fini(&ahead);
	reply_fini(&r);
	live_standbys_full();
}

/* In the run that the standby has entered, or behind it. */
START_TEST(the_run_is_as_any_other)
{
	struct peer p;

	live_start_standbys(config);
	peer_open(&p);
	alike(&p, "'call': 'ahead:looks'", "result");
	alike(&p, "'call': 'ahead:looks', 'argv': ['a', 'b']", "result");
	alike(&p, "'call': 'ahead:wrapped'", "result");
	alike(&p, "'call': 'ahead:looks', 'args': [1]", "exception.traceback");
	alike(&p, "'call': 'ahead:interrupted'", "exception.traceback");
	peer_close(&p);
	live_stop();
}
END_TEST

/* Who looks at each run sees the job's from its beginning. */
START_TEST(a_preload_looks_at_runs)
{
	struct peer p;

	live_start_standbys("[template.default]\n"
			    "path = [\"%s\"]\n"
			    "preload = [\"trio\", \"instrumented\"]\n");
	peer_open(&p);
	alike(&p, "'call': 'instrumented:names'", "result");
	peer_close(&p);
	live_stop();
}
END_TEST

/* What somebody has put around trio.run has nothing to do but with the job's. */
START_TEST(a_preload_wraps_runs)
{
	struct peer p;

	live_start_standbys("[template.default]\n"
			    "path = [\"%s\"]\n"
			    "preload = [\"trio\", \"retries\"]\n");
	peer_open(&p);
	alike(&p, "'call': 'retries:plainly'", "result");
	alike(&p, "'call': 'retries:in_a_run'", "result");
	peer_close(&p);
	live_stop();
}
END_TEST

static void
expect_argv(struct peer *p, const char *job, const char *first)
{
	struct reply r;

	run(p, &r, "{%s, 'argv': ['a', 'b']}", job);
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	ck_assert_str_eq(str_at(&r, "result.0"), first);
	ck_assert_str_eq(str_at(&r, "result.1"), "a");
	ck_assert_str_eq(str_at(&r, "result.2"), "b");
	reply_fini(&r);
	live_standbys_full();
}

START_TEST(a_preload_empties_argv)
{
	struct peer p;

	live_start_standbys("[template.default]\n"
			    "path = [\"%s\"]\n"
			    "preload = [\"trio\", \"empties_argv\"]\n");
	peer_open(&p);
	expect_argv(&p, "'call': 'empties_argv:in_a_run'",
	    "empties_argv:in_a_run");
	expect_argv(&p, "'call': 'empties_argv:plainly'",
	    "empties_argv:plainly");
	peer_close(&p);
	live_stop();
}
END_TEST

static void
replaces_environment(const char *text, const char *job)
{
	struct peer p;
	struct reply r;

	live_start_standbys(text);
	peer_open(&p);
	run(&p, &r, "{'call': '%s'}", job);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	ck_assert_str_eq(str_at(&r, "result"), live.socket);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}

/* Another mapping in the place of os.environ is told of the same. */
START_TEST(a_preload_replaces_the_environment)
{
	replaces_environment("[template.default]\n"
			     "path = [\"%s\"]\n"
			     "preload = [\"trio\", \"replaces_environ\"]\n",
	    "replaces_environ:socket");
}
END_TEST

START_TEST(a_hook_replaces_the_environment)
{
	replaces_environment("[template.default]\n"
			     "path = [\"%s\"]\n"
			     "preload = [\"trio\", \"changes_environ\"]\n"
			     "after_fork = [\"changes_environ:after_fork\"]\n",
	    "changes_environ:socket");
}
END_TEST

int
main(void)
{
	return harness_main("ahead",
	    (const TTest *const[]){ trio_is_woken_by_them, a_run_is_entered,
		a_plain_function_closes_all, a_module_closes_all_at_its_import,
		a_job_takes_their_numbers, a_job_has_no_copy_of_them,
		the_run_is_as_any_other, a_preload_looks_at_runs,
		a_preload_wraps_runs, a_preload_empties_argv,
		a_preload_replaces_the_environment,
		a_hook_replaces_the_environment, NULL });
}
