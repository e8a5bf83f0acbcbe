/*
 * The way down: a template whose children cannot be promoted has unpromoted
 * ones, and where a fork cannot be adopted at all, cold ones.  Each step says
 * why, and its children work, are cancelled and end with their lease.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/up.h"

/* What a way's children are like. */
struct way {
	const char *name, *reason; /* NULL: none is told */
	const char *start;
	bool promoted;
};

static const struct way promoted = { "promoted", NULL, "warm", true };

/* The default template, with MODULE among its preloads and MORE settings. */
static void
begin(const char *module, const char *more)
{
	char config[512];

	snprintf(config, sizeof(config),
	    "[template.default]\npath = [\"%%s\"]\n"
	    "preload = [\"trio\", \"%s\"]\n%s",
	    module, more);
	live_start(config);
}

static void
check_told(struct peer *p, const struct way *w)
{
	struct reply r;

	ask(p, &r, "templates", "{}");
	ck_assert_str_eq(str_at(&r, "templates.0.state"), "ready");
	ck_assert_str_eq(str_at(&r, "templates.0.way"), w->name);
	ck_assert(has(&r, "templates.0.reason") == (w->reason != NULL));
	if (w->reason != NULL)
		ck_assert_str_eq(str_at(&r, "templates.0.reason"), w->reason);
	ck_assert_int_eq(int_at(&r, "templates.0.failures"), 0);
	ck_assert(!has(&r, "templates.0.error"));
	reply_fini(&r);
}

/* Spawned with EXTRA, a child is of that way and trio runs in it. */
static void
check_child(struct peer *p, const struct way *w, const char *extra)
{
	struct reply r;
	uint64_t id;

	ask(p, &r, "spawn", "{'call': 'jobs:trio_echo', 'args': [7]%s}", extra);
	ck_assert_str_eq(str_at(&r, "start"), w->start);
	ck_assert(bool_at(&r, "promoted") == w->promoted);
	id = int_at(&r, "id");
	reply_fini(&r);
	wait_end(p, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_int_eq(int_at(&r, "result.0"), 7);
	reply_fini(&r);
	/* CPython's main interpreter is the child's own where promoted. */
	ck_assert_int_eq(run(p, &r, "{'call': 'jobs:interpreter'%s}", extra),
	    0);
	ck_assert((int_at(&r, "result.0") == int_at(&r, "result.1")) ==
	    w->promoted);
	reply_fini(&r);
}

/* Cancelled while trio runs: trio's own end, or SIGTERM's where the child
 * hears no more than that. */
static void
check_cancel(struct peer *p, const struct way *w)
{
	struct up u = up_start(p, "", "clean_up");
	struct reply r;

	ask(p, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	ck_assert_str_eq(read_text(u.out, false), w->promoted ? "clean\n" : "");
	wait_end(p, u.id, &r);
	if (w->promoted)
		ck_assert_int_eq(int_at(&r, "exit_code"), 128 + SIGTERM);
	else
		ck_assert_int_eq(int_at(&r, "signal"), SIGTERM);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
}

START_TEST(promoted_canary_fails)
{
	static const struct way way = { "unpromoted",
		"the promoted canary exited with 9", "warm", false };
	struct peer p;

	begin("bad_when_promoted", "");
	peer_open(&p);
	check_told(&p, &way);
	check_child(&p, &way, "");
	check_child(&p, &way, ", 'start': 'warm'");
	check_cancel(&p, &way);
	peer_close(&p);
	live_stop();
}
END_TEST

/* A warm start is refused with the reason; a cold one's interpreter is made
 * after the fork, so that no hook runs in it. */
static void
check_cold(const char *module, const char *more, const struct way *way)
{
	struct peer p;
	struct reply r;
	uint32_t id;

	begin(module, more);
	peer_open(&p);
	check_told(&p, way);
	check_child(&p, way, "");
	check_child(&p, way, ", 'start': 'cold'");
	check_cancel(&p, way);
	ck_assert_int_eq(run(&p, &r,
			     "{'code': 'import sys; "
			     "sys.exit(\"%s\" in sys.modules)'}",
			     module),
	    1);
	reply_fini(&r);
	id = peer_send(&p, "spawn", "{'code': 'pass', 'start': 'warm'}");
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "template_failed");
	ck_assert_str_eq(str_at(&r, "template"), "default");
	ck_assert(strstr(str_at(&r, "message"), way->reason) != NULL);
	reply_fini(&r);
	/* The refusal is no failure of the template. */
	check_told(&p, way);
	peer_close(&p);
	live_stop();
}

START_TEST(no_canary_sings)
{
	static const struct way way = { "cold",
		"the unpromoted canary exited with 9", "cold", true };

	check_cold("bad_in_children", "", &way);
}
END_TEST

START_TEST(canaries_time_out)
{
	static const struct way way = { "cold",
		"the unpromoted canary timed out and died of signal 9", "cold",
		true };

	check_cold("hangs_in_children", "canary_timeout = 0.5\n", &way);
}
END_TEST

/* The first child is the canary, the second the rehearsal. */
START_TEST(the_rehearsal_is_not_needed)
{
	struct peer p;
	struct reply r;

	begin("hangs_in_second", "canary_timeout = 0.5\n");
	peer_open(&p);
	check_told(&p, &promoted);
	ck_assert_int_eq(run(&p, &r,
			     "{'code': 'import sys, hangs_in_second as h; "
			     "sys.exit(h.births[0])'}"),
	    3);
	reply_fini(&r);
	check_child(&p, &promoted, ", 'start': 'warm'");
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(promotion_is_declined)
{
	static const struct way way = { "unpromoted", "promote is false",
		"warm", false };
	struct peer p;

	begin("jobs", "promote = false\n");
	peer_open(&p);
	check_told(&p, &way);
	check_child(&p, &way, "");
	check_child(&p, &way, ", 'start': 'warm'");
	check_cancel(&p, &way);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(isolated_mode_is_promoted)
{
	struct peer p;
	struct reply r;

	begin("jobs", "mode = \"isolated\"\n");
	peer_open(&p);
	check_told(&p, &promoted);
	check_child(&p, &promoted, "");
	check_cancel(&p, &promoted);
	ask(&p, &r, "templates", "{}");
	ck_assert_str_eq(str_at(&r, "templates.0.mode"), "isolated");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Without ears for a cancel: SIGTERM at once, SIGKILL when the grace is over,
 * also where the connection ends instead. */
START_TEST(unpromoted_children_are_cancelled)
{
	struct peer p, owner;
	struct reply r;
	struct up u, v;

	begin("jobs", "promote = false\n");
	peer_open(&p);
	u = up_start(&p, "", "stubborn");
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGTERM);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	u = up_start(&p, "", "deaf");
	ask(&p, &r, "cancel", "{'id': %ju, 'grace_ns': 100000000}",
	    (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	ck_assert(bool_at(&r, "cancelled") && bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	peer_open(&owner);
	u = up_start(&owner, "", "busy");
	v = up_start(&owner, ", 'grace_ns': 100000000", "deaf");
	peer_close(&owner);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGTERM);
	reply_fini(&r);
	wait_end(&p, v.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	close(u.out);
	close(v.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* While its zygote stands still, a child is ordered and cancelled: it finds
 * both in one read, and hears the second too.  Nothing else would end it before
 * the deadline. */
START_TEST(cancel_comes_with_the_job)
{
	static const char *const more[] = { "", "promote = false\n" };
	struct peer p, other;
	struct reply r;
	uint32_t asked;

	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		pid_t zygote;

		begin("jobs", more[i]);
		peer_open(&p);
		peer_open(&other);
		zygote = live_zygote(&p);
		kill(zygote, SIGSTOP);
		asked = peer_send(&p, "spawn",
		    "{'call': 'jobs:busy', 'grace_ns': 90000000000}");
		ask(&p, &r, "ping", "{}");
		reply_fini(&r);
		ask(&other, &r, "cancel", "{'id': 1}");
		reply_fini(&r);
		kill(zygote, SIGCONT);
		peer_response(&p, asked, &r);
		ck_assert_str_eq(str_at(&r, "code"), "child_died");
		reply_fini(&r);
		peer_close(&p);
		peer_close(&other);
		live_stop();
	}
}
END_TEST

/* An unpromoted child's socket speaks by a signal, which also tells that there
 * is room again behind a large answer: no cancel. */
START_TEST(unpromoted_children_answer_at_length)
{
	struct peer p;
	struct reply r;

	begin("jobs", "promote = false\n");
	peer_open(&p);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(run(&p, &r,
				     "{'call': 'jobs:large',"
				     " 'args': [4190000]}"),
		    0);
		ck_assert_int_eq(at(&r, "result")->via.bin.size, 4190000);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* The same without a daemon to do it: the leased ones end by themselves and
 * by their zygote, a detached one goes on. */
START_TEST(unpromoted_children_outlive_no_daemon)
{
	struct peer p;
	struct up hang, busy, deaf, free_one;
	int status;

	begin("jobs", "promote = false\n");
	peer_open(&p);
	hang = up_start(&p, "", "hang");
	busy = up_start(&p, "", "busy");
	deaf = up_start(&p, ", 'grace_ns': 200000000", "deaf");
	free_one = up_start(&p, ", 'detached': true", "hang");
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	ck_assert_str_eq(read_text(hang.out, false), "");
	ck_assert_str_eq(read_text(busy.out, false), "");
	ck_assert_str_eq(read_text(deaf.out, false), "");
	ck_assert(strchr("?Z", process_state(free_one.pid)) == NULL);
	kill(free_one.pid, SIGKILL);
	live_no_process();
	close(hang.out);
	close(busy.out);
	close(deaf.out);
	close(free_one.out);
	peer_close(&p);
}
END_TEST

/* os.fork would be fatal to the new process: it is refused with an exception,
 * whichever way the template came down. */
START_TEST(unpromoted_children_fork_not)
{
	static const struct {
		const char *module, *more;
	} ways[] = {
		{ "jobs", "promote = false\n" },
		{ "bad_when_promoted", "" },
	};
	struct peer p;
	struct reply r;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		begin(ways[i].module, ways[i].more);
		peer_open(&p);
		ck_assert_int_eq(run(&p, &r,
				     "{'call': 'jobs:forks', 'args': [0]}"),
		    1);
		ck_assert_str_eq(str_at(&r, "exception.type"), "RuntimeError");
		ck_assert(strstr(str_at(&r, "exception.message"), "fork") !=
		    NULL);
		reply_fini(&r);
		peer_close(&p);
		live_stop();
	}
}
END_TEST

int
main(void)
{
	/* It is about forks. */
	unsetenv("FORKSERVERD_STANDBYS");
	const TTest *const tests[] = { promoted_canary_fails, no_canary_sings,
		canaries_time_out, the_rehearsal_is_not_needed,
		promotion_is_declined, isolated_mode_is_promoted,
		unpromoted_children_are_cancelled, cancel_comes_with_the_job,
		unpromoted_children_answer_at_length,
		unpromoted_children_outlive_no_daemon,
		unpromoted_children_fork_not, NULL };

	return harness_main("guards", tests);
}
