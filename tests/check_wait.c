/*
 * wait, for several children at once; check_life.c has those for one.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/up.h"

#define TIME_LIMIT "'timeout_ns': 10000000"

static void
kill_child(struct peer *p, uint64_t id)
{
	struct reply r;

	ask(p, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
}

static size_t
size_at(const struct reply *r, const char *path)
{
	return at(r, path)->via.array.size;
}

/* The response to Q: one record, of child ID. */
static void
expect_one(struct peer *p, uint32_t q, uint64_t id, size_t pending)
{
	struct reply r;

	peer_response(p, q, &r);
	ck_assert_uint_eq(size_at(&r, "records"), 1);
	ck_assert_uint_eq((uint64_t)int_at(&r, "records.0.id"), id);
	ck_assert_int_eq(int_at(&r, "records.0.signal"), SIGKILL);
	ck_assert_uint_eq(size_at(&r, "pending"), pending);
	reply_fini(&r);
}

START_TEST(any)
{
	struct peer p, q;
	struct reply r;
	struct up u[3];
	uint32_t by_ids, by_user, again;

	live_start(NULL);
	peer_open(&p);
	peer_open(&q);
	for (int i = 0; i < 3; i++)
		u[i] = up_start(&p, "", "hang");
	by_ids = peer_send(&q, "wait", "{'ids': [%ju, %ju], 'mode': 'any'}",
	    (uintmax_t)u[0].id, (uintmax_t)u[1].id);
	by_user = peer_send(&q, "wait", "{'of': 'user', 'mode': 'any'}");
	again = peer_send(&q, "wait", "{'ids': [%ju, %ju], 'mode': 'any'}",
	    (uintmax_t)u[0].id, (uintmax_t)u[1].id);
	/* The waits are there before the kill. */
	ask(&q, &r, "ping", "{}");
	reply_fini(&r);
	kill_child(&p, u[1].id);
	expect_one(&q, by_ids, u[1].id, 1);
	expect_one(&q, by_user, u[1].id, 2);
	expect_one(&q, again, u[1].id, 1);
	/* After the end it answers at once, with all that have ended. */
	kill_child(&p, u[0].id);
	wait_end(&p, u[0].id, &r);
	reply_fini(&r);
	ask(&q, &r, "wait", "{'ids': [%ju, %ju, %ju], 'mode': 'any'}",
	    (uintmax_t)u[0].id, (uintmax_t)u[2].id, (uintmax_t)u[1].id);
	ck_assert_uint_eq(size_at(&r, "records"), 2);
	ck_assert_uint_eq((uint64_t)int_at(&r, "pending.0"), u[2].id);
	reply_fini(&r);
	for (int i = 0; i < 3; i++)
		close(u[i].out);
	peer_close(&p);
	peer_close(&q);
	live_stop();
}
END_TEST

START_TEST(all)
{
	struct peer p, q;
	struct reply r;
	struct up u[3];
	uint32_t by_ids, mine, theirs;

	live_start(NULL);
	peer_open(&p);
	peer_open(&q);
	for (int i = 0; i < 3; i++)
		u[i] = up_start(i == 2 ? &q : &p, "", "hang");
	by_ids = peer_send(&q, "wait", "{'ids': [%ju, %ju, %ju]}",
	    (uintmax_t)u[2].id, (uintmax_t)u[0].id, (uintmax_t)u[1].id);
	mine = peer_send(&p, "wait", "{'of': 'connection', 'mode': 'all'}");
	ask(&q, &r, "ping", "{}");
	reply_fini(&r);
	kill_child(&p, u[1].id);
	wait_end(&p, u[1].id, &r);
	reply_fini(&r);
	kill_child(&p, u[0].id);
	/* In the order of their ends. */
	peer_response(&p, mine, &r);
	ck_assert_uint_eq(size_at(&r, "records"), 2);
	ck_assert_uint_eq((uint64_t)int_at(&r, "records.0.id"), u[1].id);
	ck_assert_uint_eq((uint64_t)int_at(&r, "records.1.id"), u[0].id);
	ck_assert_uint_eq(size_at(&r, "pending"), 0);
	reply_fini(&r);
	theirs = peer_send(&p, "wait", "{'of': 'user'}");
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	kill_child(&p, u[2].id);
	expect_one(&p, theirs, u[2].id, 0);
	peer_response(&q, by_ids, &r);
	ck_assert_uint_eq(size_at(&r, "records"), 3);
	ck_assert_uint_eq((uint64_t)int_at(&r, "records.2.id"), u[2].id);
	reply_fini(&r);
	/* Nobody is left to wait for. */
	for (int i = 0; i < 3; i++) {
		static const char *const none[] = { "'of': 'connection'",
			"'of': 'user', 'mode': 'any'", "'ids': []" };

		ask(&p, &r, "wait", "{%s}", none[i]);
		ck_assert_uint_eq(size_at(&r, "records"), 0);
		ck_assert_uint_eq(size_at(&r, "pending"), 0);
		reply_fini(&r);
	}
	for (int i = 0; i < 3; i++)
		close(u[i].out);
	peer_close(&p);
	peer_close(&q);
	live_stop();
}
END_TEST

START_TEST(time_limit)
{
	struct peer p;
	struct reply r;
	struct up u, v;
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "hang");
	v = up_start(&p, "", "hang");
	kill_child(&p, u.id);
	wait_end(&p, u.id, &r);
	reply_fini(&r);
	q = peer_send(&p, "wait", "{'ids': [%ju, %ju], " TIME_LIMIT "}",
	    (uintmax_t)u.id, (uintmax_t)v.id);
	peer_response(&p, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "timeout");
	ck_assert_str_eq(str_at(&r, "message"),
	    "1 of 2 children have not ended in time");
	ck_assert_uint_eq(size_at(&r, "pending"), 1);
	ck_assert_uint_eq((uint64_t)int_at(&r, "pending.0"), v.id);
	reply_fini(&r);
	refused(&p, "timeout", NULL, "wait",
	    "{'of': 'connection', 'mode': 'any', " TIME_LIMIT "}");
	/* It can be waited for all the same. */
	q = peer_send(&p, "wait", "{'ids': [%ju], 'timeout_ns': 3600000000000}",
	    (uintmax_t)v.id);
	kill_child(&p, v.id);
	expect_one(&p, q, v.id, 0);
	close(u.out);
	close(v.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Given up in the queue: it has no record. */
START_TEST(given_up)
{
	struct peer p, q;
	struct reply r;
	struct up u;
	uint32_t all_of, one;
	uint64_t id;

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.hangs]\npath = [\"%s\"]\nstart = \"demand\"\n"
		   "preload = [\"hangs_at_import\"]\n"
		   "preload_timeout = 1.0\n");
	peer_open(&p);
	peer_open(&q);
	u = up_start(&p, "", "hang");
	peer_send(&p, "spawn", "{'code': 'pass', 'template': 'hangs'}");
	ask(&p, &r, "list", "{}");
	ck_assert_str_eq(str_at(&r, "children.1.state"), "queued");
	id = int_at(&r, "children.1.id");
	reply_fini(&r);
	all_of = peer_send(&q, "wait", "{'of': 'user'}");
	one = peer_send(&q, "wait", "{'id': %ju}", (uintmax_t)id);
	ask(&q, &r, "ping", "{}");
	reply_fini(&r);
	kill_child(&p, id);
	peer_response(&q, one, &r);
	ck_assert_str_eq(str_at(&r, "code"), "child_died");
	reply_fini(&r);
	kill_child(&p, u.id);
	peer_response(&q, all_of, &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "records.0.id"), id);
	ck_assert_str_eq(str_at(&r, "records.0.error.code"), "child_died");
	ck_assert_uint_eq((uint64_t)int_at(&r, "records.1.id"), u.id);
	reply_fini(&r);
	for (bool failed = false; !failed;) {
		ask(&p, &r, "templates", "{}");
		failed = strcmp(str_at(&r, "templates.1.state"), "failed") == 0;
		reply_fini(&r);
	}
	close(u.out);
	peer_close(&p);
	peer_close(&q);
	live_stop();
}
END_TEST

/* Each is told, whatever their results take together. */
START_TEST(large_results)
{
	enum { CHILDREN = 8 };
	struct peer p;
	struct reply r;
	char path[48];
	int left_out = 0;
	uint32_t q;

	live_start("[server]\nmax_queued_bytes = 1048576\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	for (int i = 0; i < CHILDREN; i++)
		spawn(&p, "{'call': 'jobs:large', 'args': [%d]}",
		    i == 0 ? 100000 : 60000);
	for (int i = 1; i <= CHILDREN; i++) {
		wait_end(&p, i, &r);
		reply_fini(&r);
	}
	q = peer_send(&p, "wait", "{'ids': [1, 2, 3, 4, 5, 6, 7, 8]}");
	peer_response(&p, q, &r);
	ck_assert_uint_eq(size_at(&r, "records"), CHILDREN);
	ck_assert(!has(&r, "records.0.result"));
	ck_assert(has(&r, "records.0.result_error"));
	ck_assert(has(&r, "records.1.result"));
	for (int i = 0; i < CHILDREN; i++) {
		snprintf(path, sizeof(path), "records.%d.result_error", i);
		left_out += has(&r, path);
		snprintf(path, sizeof(path), "records.%d.exit_code", i);
		ck_assert_int_eq(int_at(&r, path), 0);
	}
	ck_assert_int_gt(left_out, 1);
	reply_fini(&r);
	/* What that wait had gathered counts no more. */
	ask(&p, &r, "wait", "{'ids': [3]}");
	ck_assert(has(&r, "records.0.result"));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Many results are as many values as they have bytes: all of an answer are
 * less than a client takes, in `wait` as in `list`. */
START_TEST(many_values)
{
	enum { CHILDREN = 17 };
	static const char *const where[] = { "records", "children" };
	struct peer p;
	struct reply r;
	char path[64];

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < CHILDREN; i++)
		spawn(&p, "{'call': 'jobs:zeros', 'args': [65000]}");
	ask(&p, &r, "wait",
	    "{'ids': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, "
	    "17]}");
	for (int in = 0; in < 2; in++) {
		int told = 0, left_out = 0;

		ck_assert_uint_eq(size_at(&r, where[in]), CHILDREN);
		for (int i = 0; i < CHILDREN; i++) {
			snprintf(path, sizeof(path), "%s.%d%s.result",
			    where[in], i, in == 0 ? "" : ".record");
			told += has(&r, path);
			strcat(path, "_error");
			left_out += has(&r, path);
		}
		ck_assert_int_eq(told, (512 << 10) / 65003);
		ck_assert_int_eq(left_out, CHILDREN - told);
		reply_fini(&r);
		if (in == 0)
			ask(&p, &r, "list", "{'all': true}");
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(wrong_params)
{
	static const char *const bad[][2] = {
		{ "id", "" },
		{ "id", "'id': 1, 'ids': [1]" },
		{ "id", "'ids': [1], 'of': 'user'" },
		{ "id", "'id': '1'" },
		{ "id", "'id': -1" },
		{ "ids", "'ids': 1" },
		{ "ids[1]", "'ids': [1, '1']" },
		{ "ids[1]", "'ids': [1, -1]" },
		{ "ids[1]", "'ids': [1, 1]" },
		{ "of", "'of': 'me'" },
		{ "of", "'of': 1" },
		{ "mode", "'of': 'user', 'mode': 'some'" },
		{ "mode", "'of': 'user', 'mode': true" },
		{ "mode", "'id': 1, 'mode': 'all'" },
		{ "timeout_ns", "'id': 1, 'timeout_ns': -1" },
		{ "timeout_ns", "'id': 1, 'timeout_ns': 40000000000000000" },
		{ "timeout_ns", "'ids': [1], 'timeout_ns': 'soon'" },
		{ "unknown", "'id': 1, 'unknown': 1" },
	};
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:hang'}"), 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(&p, "invalid_params", bad[i][0], "wait", "{%s}",
		    bad[i][1]);
	refused(&p, "not_found", "id", "wait", "{'id': 99}");
	refused(&p, "not_found", "ids[1]", "wait", "{'ids': [1, 99, 98]}");
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(too_many)
{
	enum { CHILDREN = 4, WAITS = 16384 / CHILDREN };
	struct peer p;
	struct reply r;
	uint32_t first = 0;

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < CHILDREN; i++)
		spawn(&p, "{'call': 'jobs:hang', 'grace_ns': 0}");
	for (int i = 0; i < WAITS; i++) {
		uint32_t q = peer_send(&p, "wait",
		    "{'ids': [1, 2, 3, 4], 'mode': 'any'}");

		first = i == 0 ? q : first;
	}
	refused(&p, "limit", NULL, "wait", "{'id': 1}");
	kill_child(&p, 2);
	for (int i = 0; i < WAITS; i++)
		expect_one(&p, first + i, 2, CHILDREN - 1);
	/* There is room again; and these have no answer to wait for. */
	for (int i = 0; i < WAITS; i++)
		peer_send(&p, "wait", "{'of': 'connection'}");
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { any, all, time_limit, given_up,
		large_results, many_values, wrong_params, too_many, NULL };

	return harness_main("wait", tests);
}
