/*
 * The daemon's death by SIGKILL: leased children end within their grace,
 * whatever they are at and however they were started; detached ones go on.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/hired.h"
#include "tests/modes.h"
#include "tests/standbys.h"
#include "tests/up.h"

#define GRACE ", 'grace_ns': 500000000"

/* The ways to be started. */
static const char *const starts[] = { "", ", 'start': 'cold'",
	", 'template': 'isolated'",
	", 'template': 'isolated', 'start': 'cold'" };
#define STARTS 4

static void
daemon_dies(void)
{
	int status;

	ck_assert_int_eq(kill(live.pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
}

static pid_t
pid_of(struct peer *p, uint64_t id)
{
	struct reply r;
	pid_t pid;

	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	pid = int_at(&r, "pid");
	reply_fini(&r);
	return pid;
}

/* In synchronous Python, in a call into C, deaf to all signals, shielded, and
 * stopped: none of them hears the hang-up by itself, or acts on it. */
START_TEST(leased_ones_end)
{
	static const char *const calls[] = { "jobs:busy", "fail:sleeps",
		"jobs:deaf", "jobs:stubborn", "jobs:hang" };
	enum { CALLS = 5, STOPPED = 4 };
	struct hired h[STARTS * CALLS];
	pid_t pids[STARTS * CALLS];
	struct peer p;
	char what[128];

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < STARTS * CALLS; i++) {
		snprintf(what, sizeof(what), "'call': '%s'%s" GRACE,
		    calls[i % CALLS], starts[i / CALLS]);
		hire(&h[i], 1, what);
		pids[i] = pid_of(&p, h[i].ids[0]);
		if (i % CALLS == STOPPED)
			ck_assert_int_eq(kill(pids[i], SIGSTOP), 0);
	}
	daemon_dies();
	for (int i = 0; i < STARTS * CALLS; i++) {
		process_gone(pids[i]);
		ck_assert_str_eq(read_text(h[i].out, false), "");
		fire(&h[i], SIGKILL);
	}
	live_no_process();
	peer_close(&p);
}
END_TEST

/* The last it has said is a lease, which its zygote reads when it is dead, behind
 * an order that it cannot answer any more. */
START_TEST(the_last_word_counts)
{
	struct peer p;
	struct reply r;
	struct up u;
	pid_t zygote;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, ", 'detached': true" GRACE, "deaf");
	zygote = live_zygote(&p);
	standby_stop(zygote);
	peer_send(&p, "spawn", "{'call': 'jobs:hang', 'start': 'warm'}");
	ask(&p, &r, "attach", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	daemon_dies();
	ck_assert_int_eq(kill(zygote, SIGCONT), 0);
	ck_assert_str_eq(read_text(u.out, false), "");
	close(u.out);
	live_no_process();
	peer_close(&p);
}
END_TEST

START_TEST(detached_ones_go_on)
{
	struct hired h[STARTS], leased;
	struct peer p;
	char what[128];
	pid_t pids[STARTS];

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < STARTS; i++) {
		snprintf(what, sizeof(what),
		    "'call': 'jobs:hang', 'detached': true%s" GRACE, starts[i]);
		hire(&h[i], 1, what);
		pids[i] = pid_of(&p, h[i].ids[0]);
	}
	hire(&leased, 1, "'call': 'jobs:deaf'" GRACE);
	daemon_dies();
	/* By the time that this one has ended, the others would have, too. */
	ck_assert_str_eq(read_text(leased.out, false), "");
	fire(&leased, SIGKILL);
	for (int i = 0; i < STARTS; i++) {
		ck_assert_int_eq(process_state(pids[i]), 'S');
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		fire(&h[i], SIGKILL);
	}
	live_no_process();
	peer_close(&p);
}
END_TEST

/* Nobody reads what they write any more, which is no fault of theirs. */
START_TEST(captured_ones_may_write)
{
	static const char *const more[] = { "{}", "{'merge': true}",
		"{'stdout': false}" };
	struct peer p;
	struct reply r;

	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		int until[2], told[2];
		uint32_t q;

		ck_assert(pipe(until) == 0 && pipe(told) == 0);
		live_start(NULL);
		peer_open(&p);
		q = peer_send_fds(&p, "spawn", (int[]){ until[0], told[1] }, 2,
		    "{'call': 'writes:prints_at_the_end', 'args': [3, 4], "
		    "'fds': [3, 4], 'detached': true, 'capture': %s}",
		    more[i]);
		close(until[0]);
		close(told[1]);
		peer_response(&p, q, &r);
		ck_assert_uint_gt(int_at(&r, "id"), 0);
		reply_fini(&r);
		daemon_dies();
		close(until[1]);
		ck_assert_str_eq(read_text(told[0], false), "printed\n");
		close(told[0]);
		live_no_process();
		peer_close(&p);
	}
}
END_TEST

/* Some wait for their template, some are about to be forked, some have no job
 * yet, some are cancelled with an hour of grace. */
START_TEST(in_every_state)
{
	struct hired h;
	struct peer p;
	struct reply r;

	live_start(TWO_MODES "[template.late]\nstart = \"demand\"\n");
	peer_open(&p);
	hire(&h, 4, "'call': 'jobs:stubborn'" GRACE);
	for (int i = 0; i < 2; i++) {
		ask(&p, &r, "cancel", "{'id': %ju, 'grace_ns': 3600000000000}",
		    (uintmax_t)h.ids[i]);
		reply_fini(&r);
	}
	for (int i = 0; i < 4 * STARTS; i++)
		peer_send(&p, "spawn", "{'call': 'jobs:stubborn'%s" GRACE "}",
		    starts[i % STARTS]);
	peer_send(&p, "spawn", "{'template': 'late', 'code': 'input()'}");
	/* The daemon has met them all. */
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	daemon_dies();
	ck_assert_str_eq(read_text(h.out, false), "");
	fire(&h, SIGKILL);
	live_no_process();
	peer_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { leased_ones_end, the_last_word_counts,
		detached_ones_go_on, captured_ones_may_write, in_every_state,
		NULL };

	return harness_main("death", tests);
}
