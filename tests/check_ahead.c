/*
 * What a standby has made ahead of its job, the sockets of the first trio.run,
 * is in the way of none.
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

/* Another mapping in the place of os.environ is told of the same. */
START_TEST(a_preload_replaces_the_environment)
{
	struct peer p;
	struct reply r;

	live_start_standbys("[template.default]\n"
			    "path = [\"%s\"]\n"
			    "preload = [\"trio\", \"replaces_environ\"]\n");
	peer_open(&p);
	run(&p, &r, "{'call': 'replaces_environ:socket'}");
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	ck_assert_str_eq(str_at(&r, "result"), live.socket);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	return harness_main("ahead",
	    (const TTest *const[]){ trio_is_woken_by_them,
		a_plain_function_closes_all, a_module_closes_all_at_its_import,
		a_job_takes_their_numbers, a_preload_replaces_the_environment,
		NULL });
}
