/*
 * Standbys that end, or stand still, before or while they get a job: no spawn is
 * lost with them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/scratch.h"
#include "tests/standbys.h"

/* It has not read of its job when it dies: the child is forked, with the job's
 * descriptors. */
START_TEST(killed_while_it_gets_a_job)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	struct reply r;
	uint32_t id;
	int out[2];
	unsigned n;

	live_start_standbys(NULL);
	peer_open(&p);
	n = standby_stop_all(&p, pids);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	id = peer_send_fds(&p, "spawn", &out[1], 1,
	    "{'code': 'print(\"hi\")', 'fds': [1]}");
	close(out[1]);
	standby_until(&p, "standby.taken", 1);
	for (unsigned i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "start"), "warm");
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_ne(int_at(&r, "pid"), pids[i]);
	id = int_at(&r, "id");
	reply_fini(&r);
	ck_assert_str_eq(read_text(out[0], false), "hi\n");
	close(out[0]);
	wait_end(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_str_eq(str_at(&r, "start"), "warm");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* As before, and the zygote with it: the next one forks. */
START_TEST(killed_with_its_zygote)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	struct reply r;
	uint32_t id;
	unsigned n;

	live_start_standbys(NULL);
	peer_open(&p);
	n = standby_stop_all(&p, pids);
	id = peer_send(&p, "spawn", "{'call': 'jobs:echo', 'args': [1]}");
	standby_until(&p, "standby.taken", 1);
	kill(standby_value(&p, "pid"), SIGKILL);
	for (unsigned i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "start"), "warm");
	ck_assert_int_eq(int_at(&r, "generation"), 2);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The zygote's standbys go with it, but not one that has a job already. */
START_TEST(generations)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	struct reply r;
	uint32_t id;
	unsigned n;

	live_start_standbys(NULL);
	peer_open(&p);
	n = standby_stop_all(&p, pids);
	id = peer_send(&p, "spawn", "{'call': 'jobs:echo', 'args': [1]}");
	standby_until(&p, "standby.taken", 1);
	kill(standby_value(&p, "pid"), SIGKILL);
	standby_until(&p, "generation", 2);
	for (unsigned i = 0; i < n; i++)
		kill(pids[i], SIGCONT);
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	reply_fini(&r);
	for (unsigned i = 0; i < n; i++)
		process_gone(pids[i]);
	standby_until(&p, "standby.ready", 2);
	ask(&p, &r, "spawn", "{'call': 'jobs:echo'}");
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	ck_assert_int_eq(int_at(&r, "generation"), 2);
	reply_fini(&r);
	ask(&p, &r, "status", "{}");
	ck_assert_int_eq(int_at(&r, "strays"), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* A standby that stands still holds nobody up.  The zygote stands still, too:
 * there shall be no other that gets the job. */
START_TEST(limits_reach_one_that_is_stuck)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	struct reply r;
	uint32_t late, cancelled;
	pid_t zygote;

	live_start_standbys(NULL);
	peer_open(&p);
	ck_assert_uint_eq(standby_stop_all(&p, pids), 2);
	zygote = standby_value(&p, "pid");
	standby_stop(zygote);
	late = peer_send(&p, "spawn",
	    "{'code': '', 'start_timeout_ns': 100000000}");
	peer_response(&p, late, &r);
	ck_assert_str_eq(str_at(&r, "code"), "timeout");
	reply_fini(&r);
	cancelled = peer_send(&p, "spawn", "{'code': '', 'grace_ns': 1000}");
	standby_until(&p, "standby.taken", 2);
	ask(&p, &r, "cancel", "{'id': 2}");
	reply_fini(&r);
	process_gone(pids[0]);
	process_gone(pids[1]);
	kill(zygote, SIGCONT);
	peer_response(&p, cancelled, &r);
	ck_assert_str_eq(str_at(&r, "code"), "child_died");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* They fail one after the other, later each time; spawns go on as they can. */
START_TEST(that_die_before_they_are_ready)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	struct reply r;
	char *text, *dies = scratch("dies");
	int fd = mkstemp(dies);
	unsigned n;

	ck_assert(fd != -1 && unlink(dies) == 0);
	close(fd);
	ck_assert(asprintf(&text,
		      "[template.default]\npath = [\"%s\"]\n"
		      "preload = [\"trio\", \"jobs\", \"dies_ahead\"]\n"
		      "after_fork = [\"dies_ahead:after_fork\"]\n"
		      "env = { DIES = \"%s\" }\n",
		      "%s", dies) > 0);
	live_start_standbys(text);
	free(text);
	peer_open(&p);
	close(open(dies, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	n = standby_pids(&p, pids);
	for (unsigned i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	standby_until(&p, "standby.ready", 0);
	standby_until(&p, "standby.failures", 4);
	refused(&p, "child_died", NULL, "spawn", "{'code': ''}");
	ck_assert_int_eq(unlink(dies), 0);
	ask(&p, &r, "spawn", "{'code': ''}");
	reply_fini(&r);
	standby_until(&p, "standby.failures", 0);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	return harness_main("handing",
	    (const TTest *const[]){ killed_while_it_gets_a_job,
		killed_with_its_zygote, generations,
		limits_reach_one_that_is_stuck, that_die_before_they_are_ready,
		NULL });
}
