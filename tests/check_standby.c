/*
 * Standbys: how many there are and when, and who gets one.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/clock.h"
#include "tests/harness.h"
#include "tests/procfs.h"
#include "tests/standbys.h"
#include "tests/up.h"

#define TEMPLATE "path = [\"%s\"]\npreload = [\"trio\", \"jobs\"]\n"

/* The result of trio_echo and how it was started. */
static const char *
echo(struct peer *p, const char *extra)
{
	struct reply r;
	const char *start;

	ck_assert_int_eq(run(p, &r, "{'call': 'jobs:trio_echo', 'args': [7]%s}",
			     extra),
	    0);
	ck_assert_int_eq(int_at(&r, "result.0"), 7);
	start = str_at(&r, "start");
	reply_fini(&r);
	return start;
}

/* It is looked at behind the loop's back. */
static void
private_memory(struct peer *p)
{
	bool known = false;
	struct reply r;

	while (!known) {
		ask(p, &r, "templates", "{}");
		known = has(&r, "templates.0.standby.private_kb");
		if (known)
			ck_assert_int_gt(int_at(&r,
					     "templates.0.standby.private_kb"),
			    0);
		reply_fini(&r);
	}
}

START_TEST(a_spawn_takes_one)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	struct reply r;
	bool among = false;
	unsigned n;

	live_start_standbys(NULL);
	peer_open(&p);
	ck_assert_int_eq(standby_value(&p, "standby.ready"), 2);
	private_memory(&p);
	n = standby_pids(&p, pids);
	ck_assert_uint_eq(n, 2);
	ask(&p, &r, "spawn", "{'call': 'jobs:echo', 'pidfd': true}");
	ck_assert_int_eq(int_at(&r, "id"), 1);
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	ck_assert_int_eq(int_at(&r, "phases.fork_ns"), 0);
	ck_assert_int_eq(int_at(&r, "phases.adopt_ns"), 0);
	ck_assert_int_ne(r.fd, -1);
	for (unsigned i = 0; i < n; i++)
		among = among || pids[i] == int_at(&r, "pid");
	ck_assert(among);
	reply_fini(&r);
	wait_end(&p, 1, &r);
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	reply_fini(&r);
	/* Who asks for a fork gets one. */
	live_standbys_full();
	ck_assert_str_eq(echo(&p, ", 'start': 'warm'"), "warm");
	ck_assert_str_eq(echo(&p, ""), "standby");
	ck_assert_int_eq(standby_value(&p, "standby.taken"), 2);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Those of the user's own functions are not there. */
START_TEST(a_job_finds_its_pages_copied)
{
	enum { FEW = 15 };
	pid_t pids[STANDBYS_MAX];
	long before[STANDBYS_MAX], more = -1;
	struct peer p;
	struct reply r;
	unsigned n;
	int pid;

	if (sanitised())
		return;
	live_start_standbys(NULL);
	peer_open(&p);
	n = standby_pids(&p, pids);
	for (unsigned i = 0; i < n; i++)
		before[i] = fault_count(pids[i]);
	ask(&p, &r, "spawn", "{'call': 'jobs:trio_echo'}");
	pid = int_at(&r, "pid");
	reply_fini(&r);
	wait_end(&p, 1, &r);
	for (unsigned i = 0; i < n; i++)
		if (pids[i] == pid)
			more = int_at(&r, "rusage.minflt") - before[i];
	ck_assert_int_ge(more, 0);
	ck_assert_msg(more <= FEW, "%ld page faults", more);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(every_way_has_them_but_cold)
{
	static const char *const ways[] = {
		"mode = \"legacy\"\n",
		"mode = \"isolated\"\n",
		"promote = false\n",
		"mode = \"isolated\"\npromote = false\n",
	};
	struct peer p;
	char *text;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		ck_assert(asprintf(&text, "[template.default]\n" TEMPLATE "%s",
			      "%s", ways[i]) > 0);
		live_start_standbys(text);
		peer_open(&p);
		ck_assert_str_eq(echo(&p, ""), "standby");
		peer_close(&p);
		live_stop();
		free(text);
	}
	live_start_standbys("[template.default]\npath = [\"%s\"]\n"
			    "preload = [\"trio\", \"jobs\", "
			    "\"bad_in_children\"]\n");
	peer_open(&p);
	ck_assert_str_eq(echo(&p, ""), "cold");
	ck_assert_int_eq(standby_value(&p, "standby.ready"), 0);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Spawns N at once. */
static void
spawn_many(struct peer *p, unsigned n, unsigned *from_standby)
{
	uint32_t *ids = calloc(n, sizeof(*ids));
	struct reply r;

	*from_standby = 0;
	for (unsigned i = 0; i < n; i++)
		ids[i] = peer_send(p, "spawn", "{'call': 'jobs:echo'}");
	/* Their exits come between: the responses come in no order. */
	for (unsigned left = n; left > 0;) {
		peer_next(p, &r);
		if (r.msg.type == MSG_RESPONSE) {
			ck_assert_int_eq(r.msg.error.type, MSGPACK_OBJECT_NIL);
			*from_standby += strcmp(str_at(&r, "start"),
					     "standby") == 0;
			left--;
		}
		reply_fini(&r);
	}
	free(ids);
}

START_TEST(the_target_follows_demand)
{
	unsigned n;
	struct peer p;

	live_start_standbys("[template.default]\n" TEMPLATE
			    "standby_min = 1\nstandby_max = 5\n");
	peer_open(&p);
	ck_assert_int_eq(standby_value(&p, "standby.min"), 1);
	ck_assert_int_eq(standby_value(&p, "standby.max"), 5);
	ck_assert_int_eq(standby_value(&p, "standby.target"), 1);
	spawn_many(&p, 3, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(standby_value(&p, "standby.missed"), 2);
	ck_assert_int_eq(standby_value(&p, "standby.target"), 4);
	standby_until(&p, "standby.ready", 4);
	spawn_many(&p, 5, &n);
	ck_assert_uint_ge(n, 4);
	standby_until(&p, "standby.target", 1);
	standby_until(&p, "standby.ready", 1);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(a_burst)
{
	unsigned n;
	struct peer p;

	live_start_standbys(NULL);
	peer_open(&p);
	spawn_many(&p, 200, &n);
	ck_assert_uint_ge(n, 2);
	ck_assert_int_eq(standby_value(&p, "standby.taken"), n);
	ck_assert_int_eq(standby_value(&p, "standby.taken") +
		standby_value(&p, "standby.missed"),
	    200);
	/* It was the most, 16; where this was slow it is less by now. */
	ck_assert_int_gt(standby_value(&p, "standby.target"), 2);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(limits_of_their_number)
{
	struct peer p;
	struct reply r;

	live_start_standbys("[server]\nmax_standbys = 3\n"
			    "[template.default]\nstandby_min = 2\n"
			    "[template.none]\nstandby_max = 0\n"
			    "[template.other]\nstandby_min = 1\n"
			    "[template.demand]\nstart = \"demand\"\n"
			    "standby_min = 9\nstandby_max = 9\n");
	peer_open(&p);
	ask(&p, &r, "templates", "{}");
	ck_assert_int_eq(int_at(&r, "templates.0.standby.ready"), 2);
	ck_assert_int_eq(int_at(&r, "templates.1.standby.target"), 0);
	ck_assert_int_eq(int_at(&r, "templates.2.standby.ready"), 1);
	/* Not before it is used. */
	ck_assert_int_eq(int_at(&r, "templates.3.standby.ready"), 0);
	reply_fini(&r);
	ask(&p, &r, "spawn", "{'code': '', 'template': 'demand'}");
	ck_assert_str_eq(str_at(&r, "start"), "warm");
	reply_fini(&r);
	ask(&p, &r, "spawn", "{'code': '', 'template': 'other'}");
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	reply_fini(&r);
	ask(&p, &r, "spawn", "{'code': '', 'template': 'none'}");
	ck_assert_str_eq(str_at(&r, "start"), "warm");
	reply_fini(&r);
	ask(&p, &r, "status", "{}");
	ck_assert_int_le(int_at(&r, "standbys"), 3);
	reply_fini(&r);
	live.baseline++; /* that zygote's socket */
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(they_age)
{
	uint64_t end = clock_ns() + DEADLINE_S * NS_PER_S;
	pid_t first[STANDBYS_MAX];
	struct peer p;

	live_start_standbys("[template.default]\n" TEMPLATE
			    "standby_min = 1\nstandby_age = 0.3\n");
	peer_open(&p);
	/* One may have gone already, and the next not be there yet. */
	while (standby_pids(&p, first) == 0)
		ck_assert_uint_lt(clock_ns(), end);
	process_gone(first[0]);
	standby_until(&p, "standby.ready", 1);
	ck_assert_int_eq(standby_value(&p, "standby.failures"), 0);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(killed_while_idle)
{
	pid_t pids[STANDBYS_MAX], now[STANDBYS_MAX];
	struct peer p;

	live_start_standbys(NULL);
	peer_open(&p);
	ck_assert_uint_eq(standby_pids(&p, pids), 2);
	kill(pids[0], SIGKILL);
	process_gone(pids[0]);
	/* From the other one, or forked where the daemon has not heard yet of
	 * the end of the first. */
	echo(&p, "");
	live_standbys_full();
	ck_assert_uint_eq(standby_pids(&p, now), 2);
	ck_assert(now[0] != pids[0] && now[1] != pids[0]);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(the_end_with_all_there)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	unsigned n;

	live_start_standbys("[template.default]\n" TEMPLATE
			    "standby_min = 8\n[template.other]\n");
	peer_open(&p);
	n = standby_pids(&p, pids);
	ck_assert_uint_eq(n, 8);
	/* Nor does one that stands still hold it up. */
	standby_stop(pids[0]);
	peer_close(&p);
	live_stop();
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(process_state(pids[i]), '?');
}
END_TEST

START_TEST(the_daemons_sudden_end)
{
	struct peer p;

	live_start_standbys(NULL);
	peer_open(&p);
	close(up_start(&p, "", "hang").out);
	kill(live.pid, SIGKILL);
	live_no_process();
	peer_close(&p);
}
END_TEST

int
main(void)
{
	return harness_main("standby",
	    (const TTest *const[]){ a_spawn_takes_one,
		a_job_finds_its_pages_copied, every_way_has_them_but_cold,
		the_target_follows_demand, a_burst, limits_of_their_number,
		they_age, killed_while_idle, the_end_with_all_there,
		the_daemons_sudden_end, NULL });
}
