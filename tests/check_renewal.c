/*
 * Reloads that meet something: each other, a start, a drain, a zygote that
 * hangs, one that dies; and what is in force without a new one.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/template.h"
#include "tests/up.h"

#define WITH(preload) \
	"[template.default]\npath = [\"%s\"]\n" \
	"preload = [\"trio\", \"jobs\"" preload "]\n"
#define HANGS WITH(", \"hangs_at_import\"")

/* The answer to request ID: the only template's GENERATION, and the error, or
 * NULL. */
static void
answered(struct peer *p, uint32_t id, int64_t generation, const char *error)
{
	struct reply r;

	peer_response(p, id, &r);
	ck_assert_int_eq(int_at(&r, "templates.0.generation"), generation);
	if (error == NULL)
		ck_assert(!has(&r, "templates.0.error"));
	else
		ck_assert_msg(strstr(str_at(&r, "templates.0.error.message"),
				  error) != NULL,
		    "%s", str_at(&r, "templates.0.error.message"));
	reply_fini(&r);
}

/* A generation is being made. */
static void
coming(struct peer *p, int64_t generation)
{
	struct reply r;
	bool there = false;

	while (!there) {
		ask(p, &r, "templates", "{}");
		there = has(&r, "templates.0.coming") &&
		    int_at(&r, "templates.0.coming.generation") == generation;
		reply_fini(&r);
	}
}

START_TEST(two_at_once)
{
	struct peer p, q;
	uint32_t first, second, third;

	live_start(WITH(""));
	peer_open(&p);
	peer_open(&q);
	/* Of the same file: one generation answers both. */
	live_configure(WITH(", \"csv\""));
	first = peer_send(&p, "reload", "{}");
	second = peer_send(&q, "reload", "{}");
	answered(&p, first, 2, NULL);
	answered(&q, second, 2, NULL);
	/* A later one takes the place of what hangs. */
	live_configure(HANGS);
	first = peer_send(&p, "reload", "{}");
	coming(&q, 3);
	template_echo(&q, "");
	live_configure(WITH(""));
	second = peer_send(&q, "reload", "{}");
	answered(&p, first, 3, "later reload");
	answered(&q, second, 4, NULL);
	/* By its name it is made again, each time. */
	first = peer_send(&p, "reload", "{'template': 'default'}");
	second = peer_send(&p, "reload", "{}");
	third = peer_send(&p, "reload", "{'template': 'default'}");
	answered(&p, first, 5, "later reload");
	answered(&p, second, 6, NULL);
	answered(&p, third, 6, NULL);
	template_echo(&p, "");
	peer_close(&q);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(a_zygote_that_hangs)
{
	struct peer p;
	uint32_t id;

	live_start(WITH(""));
	peer_open(&p);
	live_configure(HANGS "preload_timeout = 2.0\n");
	id = peer_send(&p, "reload", "{}");
	coming(&p, 2);
	template_echo(&p, "");
	answered(&p, id, 2, "longer than 2 s");
	template_echo(&p, "");
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(while_it_starts)
{
	struct peer p;
	uint32_t queued;
	struct reply r;
	uint64_t child;

	live_start(WITH("") "[template.slow]\npath = [\"%s\"]\n"
			    "preload = [\"hangs_at_import\"]\n"
			    "start = \"demand\"\n");
	peer_open(&p);
	queued = peer_send(&p, "spawn",
	    "{'template': 'slow', 'call': 'jobs:trio_echo', 'args': [7]}");
	live_configure(WITH("") "[template.slow]\npath = [\"%s\"]\n"
				"start = \"demand\"\n");
	peer_send(&p, "reload", "{}");
	/* Who waits for the one that hangs gets the next one. */
	peer_response(&p, queued, &r);
	ck_assert_int_eq(int_at(&r, "generation"), 2);
	child = int_at(&r, "id");
	reply_fini(&r);
	wait_end(&p, child, &r);
	ck_assert_int_eq(int_at(&r, "result.0"), 7);
	reply_fini(&r);
	ck_assert_int_eq(template_int(&p, "slow", "generation"), 2);
	live.baseline++; /* its zygote */
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(an_old_zygote_dies)
{
	struct peer p;
	struct reply r;
	struct up u;
	pid_t old;

	live_start(WITH(""));
	peer_open(&p);
	old = template_int(&p, "default", "pid");
	u = up_start(&p, "", "hang");
	ask(&p, &r, "reload", "{'template': 'default'}");
	reply_fini(&r);
	ck_assert_int_eq(kill(old, SIGKILL), 0);
	process_reaped(old);
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	ck_assert_int_eq(template_int(&p, "default", "generation"), 2);
	ck_assert_int_eq(template_int(&p, "default", "failures"), 0);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(the_way_changes)
{
	struct peer p;
	struct reply r;

	live_start(WITH(""));
	peer_open(&p);
	live_configure(WITH(", \"bad_in_children\""));
	ask(&p, &r, "reload", "{}");
	ck_assert(!has(&r, "templates.0.error"));
	reply_fini(&r);
	ck_assert_str_eq(template_str(&p, "default", "way"), "cold");
	ck_assert_str_ne(template_str(&p, "default", "reason"), "");
	template_echo(&p, "");
	live_configure(WITH(""));
	ask(&p, &r, "reload", "{}");
	ck_assert(!has(&r, "templates.0.error"));
	reply_fini(&r);
	ck_assert_str_eq(template_str(&p, "default", "way"), "promoted");
	ck_assert_str_eq(template_str(&p, "default", "reason"), "");
	template_echo(&p, ", 'start': 'warm'");
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(settings)
{
	struct peer p;
	struct reply r;

	live_start(WITH(""));
	peer_open(&p);
	live_configure("[server]\nmode = \"0660\"\nmax_children = 1\n" WITH(
	    "") "standby_max = 3\n");
	ask(&p, &r, "reload", "{}");
	ck_assert_str_eq(str_at(&r, "restart.0"), "server.mode");
	ck_assert_uint_eq(at(&r, "restart")->via.array.size, 1);
	ck_assert_str_eq(str_at(&r, "templates.0.change"), "changed");
	ck_assert(!has(&r, "templates.0.generation"));
	reply_fini(&r);
	ck_assert_int_eq(template_int(&p, "default", "standby.max"), 3);
	ck_assert_int_eq(template_int(&p, "default", "generation"), 1);
	spawn(&p, "{'call': 'jobs:hang'}");
	refused(&p, "busy", NULL, "spawn", "{'call': 'jobs:hang'}");
	/* It is told as long as it isn't in force. */
	ask(&p, &r, "reload", "{}");
	ck_assert_str_eq(str_at(&r, "restart.0"), "server.mode");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(wrong_params)
{
	struct peer p;

	live_start(WITH(""));
	peer_open(&p);
	refused(&p, "invalid_params", "template", "reload", "{'template': 1}");
	refused(&p, "limit", "template", "reload", "{'template': '%065d'}", 0);
	refused(&p, "invalid_params", "none", "reload", "{'none': 1}");
	refused(&p, "unknown_template", "template", "reload",
	    "{'template': 'none'}");
	refused(&p, "invalid_params", "timeout_ns", "drain",
	    "{'timeout_ns': 'x'}");
	refused(&p, "invalid_params", "timeout_ns", "drain",
	    "{'timeout_ns': 31536000000000001}");
	refused(&p, "invalid_params", "none", "drain", "{'none': 1}");
	template_echo(&p, "");
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { two_at_once, a_zygote_that_hangs,
		while_it_starts, an_old_zygote_dies, the_way_changes, settings,
		wrong_params, NULL };

	return harness_main("renewal", tests);
}
