/*
 * Spawns with a token: asked for again, they are the same child.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/gate.h"
#include "tests/harness.h"
#include "tests/up.h"

#define HANG "'call': 'jobs:hang', 'token': 'a'"

static void
call(struct peer *p, const char *method, uint64_t id)
{
	struct reply r;

	ask(p, &r, method, "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
}

static void
expect_end(struct peer *p, uint64_t id)
{
	struct reply r;

	wait_end(p, id, &r);
	ck_assert(bool_at(&r, "cancelled"));
	reply_fini(&r);
}

/* The response to Q is that of child ID. */
static void
expect_child(struct peer *p, uint32_t q, uint64_t id, const char *state)
{
	struct reply r;

	peer_response(p, q, &r);
	ck_assert_int_eq(r.msg.error.type, MSGPACK_OBJECT_NIL);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
	ck_assert_str_eq(str_at(&r, "state"), state);
	reply_fini(&r);
}

START_TEST(again_while_it_runs)
{
	struct peer a, b, other;
	struct reply r;
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	peer_open(&other);
	id = spawn(&a, "{" HANG "}");
	ck_assert_uint_eq(spawn(&a, "{" HANG "}"), id);
	/* Another name, or none, is another child. */
	ck_assert_uint_ne(spawn(&a, "{'call': 'jobs:hang', 'token': 'b'}"), id);
	ck_assert_uint_ne(spawn(&a, "{'call': 'jobs:hang'}"), id);
	q = peer_send(&b, "spawn", "{" HANG ", 'pidfd': true}");
	peer_response(&b, q, &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
	ck_assert(bool_at(&r, "pidfd") && r.fd != -1);
	reply_fini(&r);
	peer_event(&a, "moved", &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
	reply_fini(&r);
	close_and_settle(&a, &other);
	ask(&other, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "state"), "running");
	ck_assert_str_eq(str_at(&r, "token"), "a");
	reply_fini(&r);
	peer_close(&b);
	expect_end(&other, id);
	peer_close(&other);
	live_stop();
}
END_TEST

static const char *const kinds[] = { "", ", 'detached': true" };

/* Params of a spawn that waits at G, the Ith one, of either kind. */
static const char *
gated(const struct gate *g, int i, const char *env)
{
	char *text;

	ck_assert_int_ne(
	    asprintf(&text,
		"{'call': 'waits_at_import:hang', 'token': '%d', "
		"'grace_ns': 500000000, 'env': {'GATE': '%s'%s}%s}",
		i, g->path, env, kinds[i]),
	    -1);
	return kept(text);
}

/* All are answered, the last one has it, the first one's end is no matter. */
START_TEST(again_before_the_start)
{
	struct peer a, b, other;
	struct gate g;
	struct reply r;
	const char *params;
	uint64_t id;
	uint32_t q[2];

	live_start(NULL);
	peer_open(&other);
	for (int i = 0; i < 2; i++) {
		peer_open(&a);
		peer_open(&b);
		g = gate_make();
		params = gated(&g, i, "");
		peer_send(&a, "spawn", "%s", params);
		id = newest(&a);
		q[0] = peer_send(&b, "spawn", "%s", params);
		q[1] = peer_send(&b, "spawn", "%s", params);
		ask(&b, &r, "ping", "{}");
		reply_fini(&r);
		close_and_settle(&a, &other);
		gate_open(&g);
		expect_child(&b, q[0], id, "running");
		expect_child(&b, q[1], id, "running");
		ask(&other, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
		ck_assert_int_eq(bool_at(&r, "detached"), i == 1);
		reply_fini(&r);
		peer_close(&b);
		if (i == 1)
			call(&other, "cancel", id);
		expect_end(&other, id);
	}
	peer_close(&other);
	live_stop();
}
END_TEST

/* Nobody has asked again by the end of the connection: no ghost, leased or
 * not.  While it ends, its name is taken; then it is free. */
START_TEST(given_up_before_the_start)
{
	struct peer a, b, other;
	struct gate g;
	struct reply r;
	const char *params;
	uint64_t id, fresh;
	uint32_t q;

	live_start(NULL);
	peer_open(&b);
	peer_open(&other);
	for (int i = 0; i < 2; i++) {
		peer_open(&a);
		g = gate_make();
		params = gated(&g, i, ", 'DEAF': ''");
		peer_send(&a, "spawn", "%s", params);
		id = newest(&a);
		gate_wait(&g); /* it hears nothing any more */
		close_and_settle(&a, &other);
		q = peer_send(&b, "spawn", "%s", params);
		peer_response(&b, q, &r);
		ck_assert_str_eq(str_at(&r, "code"), "child_died");
		ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
		reply_fini(&r);
		q = peer_send(&b, "spawn", "%s", params);
		fresh = newest(&b);
		ck_assert_uint_ne(fresh, id);
		gate_open(&g);
		expect_child(&b, q, fresh, "running");
		call(&b, "kill", fresh);
	}
	peer_close(&b);
	peer_close(&other);
	live_stop();
}
END_TEST

/* It had started: it is the same one, and is not saved. */
START_TEST(given_up_after_the_start)
{
	struct peer a, b, other;
	struct reply r;
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	peer_open(&other);
	id = spawn(&a,
	    "{'call': 'jobs:stubborn', 'token': 'a', "
	    "'grace_ns': 3600000000000}");
	close_and_settle(&a, &other);
	q = peer_send(&b, "spawn",
	    "{'token': 'a', 'grace_ns': 3600000000000, "
	    "'call': 'jobs:stubborn'}");
	expect_child(&b, q, id, "cancelling");
	call(&other, "kill", id);
	peer_event(&b, "exited", &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
	ck_assert(bool_at(&r, "cancelled"));
	reply_fini(&r);
	peer_close(&b);
	peer_close(&other);
	live_stop();
}
END_TEST

START_TEST(again_after_the_end)
{
	static const char params[] = "'call': 'jobs:echo', 'args': [1], "
				     "'token': 'a', 'pidfd': true";
	struct peer p;
	struct reply r;
	uint64_t id;
	uint32_t q;

	live_start("[server]\nrecords = 1\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	id = spawn(&p, "{%s}", params);
	spawn(&p, "{%s, 'detached': true}",
	    "'call': 'jobs:echo', 'token': 'detached'");
	wait_end(&p, 2, &r);
	reply_fini(&r);
	peer_close(&p);
	/* With its record, then without: told in the same way. */
	peer_open(&p);
	for (int i = 0; i < 2; i++) {
		q = peer_send(&p, "spawn", "{%s}", params);
		peer_response(&p, q, &r);
		ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
		ck_assert_str_eq(str_at(&r, "state"), "ended");
		ck_assert(has(&r, "phases.total_ns") && !has(&r, "pidfd"));
		reply_fini(&r);
		peer_next(&p, &r);
		ck_assert_str_eq(r.msg.method, "exited");
		ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
		ck_assert_int_eq(int_at(&r, "exit_code"), 0);
		reply_fini(&r);
		run(&p, &r, "{'code': 'pass'}");
		reply_fini(&r);
	}
	refused(&p, "not_found", "id", "wait", "{'id': %ju}", (uintmax_t)id);
	/* Nobody hears of the end of a detached one. */
	q = peer_send(&p, "spawn",
	    "{'call': 'jobs:echo', 'token': 'detached', 'detached': true}");
	expect_child(&p, q, 2, "ended");
	peer_send(&p, "ping", "{}");
	peer_next(&p, &r);
	ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* A spawn that failed leaves its name free. */
START_TEST(again_after_a_failure)
{
	struct peer p;
	char dir[96];

	live_start(NULL);
	peer_open(&p);
	snprintf(dir, sizeof(dir), "%s/later", live.dir);
	refused(&p, "setup_failed", NULL, "spawn",
	    "{'call': 'jobs:hang', 'token': 'a', 'cwd': '%s'}", dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	spawn(&p, "{'call': 'jobs:hang', 'token': 'a', 'cwd': '%s'}", dir);
	refused(&p, "import_failed", NULL, "spawn",
	    "{'call': 'no:no', 'token': 'b'}");
	spawn(&p, "{'call': 'jobs:hang', 'token': 'b'}");
	refused(&p, "unknown_template", NULL, "spawn",
	    "{'code': '', 'token': 'c', 'template': 'none'}");
	spawn(&p, "{'call': 'jobs:hang', 'token': 'c'}");
	peer_close(&p);
	live_stop();
	rmdir(dir);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { again_while_it_runs,
		again_before_the_start, given_up_before_the_start,
		given_up_after_the_start, again_after_the_end,
		again_after_a_failure, NULL };

	return harness_main("token", tests);
}
