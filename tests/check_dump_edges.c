/*
 * Looks into children that cannot answer, or not yet, or no longer; and that a
 * look changes nothing.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/dumps.h"
#include "tests/up.h"

/* A look that is to fail: of a short while. */
static void
dump_briefly(struct peer *p, uint64_t id, struct reply *r)
{
	ask(p, r, "dump", "{'id': %ju, 'timeout_ns': 400000000}",
	    (uintmax_t)id);
}

/* Its import never ends: it can be looked into before it has started. */
START_TEST(not_started_yet)
{
	struct peer p;
	struct reply r;
	bool there = false;
	uint32_t asked;

	live_start(dump_config);
	peer_open(&p);
	peer_send(&p, "spawn", "{'call': 'hangs_at_import:main'}");
	while (!there) {
		/* An error until it is forked. */
		asked = peer_send(&p, "dump", "{'id': 1}");
		peer_response(&p, asked, &r);
		there = has(&r, "stacks") &&
		    strstr(str_at(&r, "stacks"), "hangs_at_import.py") != NULL;
		if (there)
			ck_assert_str_eq(str_at(&r, "state"), "starting");
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* Each tells nothing, and the look says why. */
START_TEST(those_that_tell_nothing)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(dump_config);
	peer_open(&p);
	u = up_start(&p, "", "hangs:family");
	ask(&p, &r, "signal", "{'id': %ju, 'signal': %d}", (uintmax_t)u.id,
	    SIGSTOP);
	reply_fini(&r);
	for (int i = 0; i < 2; i++) {
		dump_briefly(&p, u.id, &r);
		dump_has(&r, "trio_error", "is stopped");
		dump_has(&r, "stacks_error", "is stopped");
		reply_fini(&r);
	}
	ask(&p, &r, "signal", "{'id': %ju, 'signal': %d}", (uintmax_t)u.id,
	    SIGCONT);
	reply_fini(&r);
	dump_ask(&p, u.id, &r);
	dump_is_family(&r);
	reply_fini(&r);
	dump_kill(&p, &u);

	u = up_start(&p, "", "deaf");
	dump_briefly(&p, u.id, &r);
	dump_has(&r, "stacks_error", "blocks the reserved signal");
	reply_fini(&r);
	dump_kill(&p, &u);

	u = up_start(&p, "", "hangs:executes");
	dump_ask(&p, u.id, &r);
	dump_has(&r, "trio_error", "another program");
	dump_has(&r, "stacks_error", "another program");
	reply_fini(&r);
	ck_assert_int_ne(process_state(u.pid), '?');
	dump_kill(&p, &u);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Several looks at once; what is looked at goes on as if there were none. */
START_TEST(changes_nothing)
{
	struct peer p, other;
	struct reply r;
	uint64_t id;
	uint32_t asked[16];
	int release[2], up[2];

	live_start(dump_config);
	peer_open(&p);
	peer_open(&other);
	ck_assert_int_eq(pipe(release), 0);
	ck_assert_int_eq(pipe(up), 0);
	asked[0] = peer_send_fds(&p, "spawn", (int[]){ release[0], up[1] }, 2,
	    "{'call': 'hangs:goes_on', 'args': [7], 'fds': [7, 1]}");
	close(up[1]);
	peer_response(&p, asked[0], &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	ck_assert_str_eq(read_text(up[0], true), "up\n");
	for (int i = 0; i < 16; i++)
		asked[i] = peer_send(&p, "dump", "{'id': %ju}", (uintmax_t)id);
	for (int i = 0; i < 16; i++) {
		peer_response(&p, asked[i], &r);
		ck_assert_str_eq(str_at(&r, "trio.0.tasks.0.name"),
		    "hangs.goes_on");
		reply_fini(&r);
	}
	/* One that asks and goes. */
	peer_send(&other, "dump", "{'id': %ju}", (uintmax_t)id);
	peer_close(&other);
	ck_assert_int_eq(write(release[1], "x", 1), 1);
	wait_end(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert(!bool_at(&r, "cancelled"));
	ck_assert(!bool_at(&r, "result.0"));
	ck_assert_int_eq(int_at(&r, "result.1"), 1);
	ck_assert(!has(&r, "hang"));
	reply_fini(&r);
	close(up[0]);
	close(release[0]);
	close(release[1]);
	peer_close(&p);
	live_stop();
}
END_TEST

/* RESOURCE: what is exhausted, NULL: nothing is. */
static void
busy(struct peer *p, unsigned id, const char *method, const char *resource)
{
	struct reply r;

	peer_response(p,
	    peer_send(p, method, "{'id': %u%s}", id,
		strcmp(method, "signal") == 0 ? ", 'signal': 1" : ""),
	    &r);
	ck_assert_str_eq(str_at(&r, "code"), "busy");
	ck_assert_int_eq(has(&r, "resource"), resource != NULL);
	ck_assert_int_eq(has(&r, "retry_ns"), resource != NULL);
	if (resource != NULL)
		ck_assert_str_eq(str_at(&r, "resource"), resource);
	reply_fini(&r);
}

START_TEST(refusals)
{
	struct peer p;
	struct reply r;
	struct up u;
	uint32_t asked[16];

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.never]\npath = [\"%s\"]\nstart = \"demand\"\n"
		   "preload = [\"hangs_at_import\"]\n"
		   "preload_timeout = 1.0\n");
	peer_open(&p);
	refused(&p, "invalid_params", "id", "dump", "{}");
	refused(&p, "invalid_params", "id", "dump", "{'id': 'x'}");
	refused(&p, "not_found", "id", "dump", "{'id': 99}");
	u = up_start(&p, "", "hangs:family");
	refused(&p, "invalid_params", "timeout_ns", "dump",
	    "{'id': 1, 'timeout_ns': 0}");
	refused(&p, "invalid_params", "timeout_ns", "dump",
	    "{'id': 1, 'timeout_ns': 60000000001}");
	refused(&p, "invalid_params", "timeout_ns", "dump",
	    "{'id': 1, 'timeout_ns': 'x'}");
	refused(&p, "invalid_params", "more", "dump", "{'id': 1, 'more': 1}");
	/* Nothing is forked where there is no template yet. */
	peer_send(&p, "spawn", "{'code': '', 'template': 'never'}");
	busy(&p, 2, "dump", NULL);
	busy(&p, 2, "signal", NULL);
	/* The seventeenth; then the child ends under all of them. */
	ask(&p, &r, "signal", "{'id': 1, 'signal': %d}", SIGSTOP);
	reply_fini(&r);
	for (int i = 0; i < 16; i++)
		asked[i] = peer_send(&p, "dump",
		    "{'id': 1, 'timeout_ns': 60000000000}");
	busy(&p, 1, "dump", "dumps");
	peer_send(&p, "kill", "{'id': 1}");
	for (int i = 0; i < 16; i++) {
		peer_response(&p, asked[i], &r);
		ck_assert_str_eq(str_at(&r, "code"), "not_running");
		reply_fini(&r);
	}
	refused(&p, "not_running", NULL, "dump", "{'id': 1}");
	close(u.out);
	/* Until it is given up the template's zygote is there. */
	for (bool failed = false; !failed;) {
		ask(&p, &r, "templates", "{}");
		failed = strcmp(str_at(&r, "templates.1.state"), "failed") == 0;
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { not_started_yet, those_that_tell_nothing,
		changes_nothing, refusals, NULL };

	return harness_main("dump_edges", tests);
}
