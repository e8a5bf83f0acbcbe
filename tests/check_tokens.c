/*
 * Tokens of spawns: which spawns are the same, how long they are known, and how
 * many.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"

#define ECHO(x, a, b) \
	"'call': 'jobs:echo', 'kwargs': {'x': " x ", 'y': [2, {'a': " a \
	", 'b': " b "}]}"

START_TEST(other_params)
{
	static const char *const same[] = {
		"'kwargs': {'y': [2, {'b': 1, 'a': 2}], 'x': 1}, "
		"'call': 'jobs:echo'",
		ECHO("1", "2", "1") ", 'pidfd': false, 'title': nil, "
				    "'start_timeout_ns': 60000000000",
	};
	static const char *const other[] = {
		"'call': 'jobs:echo'",
		ECHO("2", "2", "1"),
		ECHO("1", "1", "2"),
		ECHO("1", "2", "nil"),
		ECHO("1", "2", "'1'"),
		ECHO("1", "2", "1") ", 'detached': true",
		ECHO("1", "2", "1") ", 'title': 'x'",
	};
	struct peer p;
	struct reply r;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	id = spawn(&p, "{'token': 'a', %s}", ECHO("1", "2", "1"));
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		ck_assert_uint_eq(spawn(&p, "{'token': 'a', %s}", same[i]), id);
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
		refused(&p, "conflict", "token", "spawn", "{'token': 'a', %s}",
		    other[i]);
	/* Where they go, not what they are; what came is closed (live_stop
	 * counts the daemon's). */
	for (int i = 0; i < 3; i++) {
		q = peer_send_fds(&p, "spawn", &null, 1,
		    "{'token': 'fds', 'code': 'pass', 'fds': [%d]}", i / 2);
		peer_response(&p, q, &r);
		ck_assert_int_eq(has(&r, "code"), i == 2);
		reply_fini(&r);
	}
	close(null);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(they_expire)
{
	struct peer p;
	struct reply r;
	uint64_t id;

	live_start("[server]\ntoken_expiry = 0.0\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	id = spawn(&p, "{'call': 'jobs:hang', 'token': 'a'}");
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:hang', 'token': 'a'}"), id);
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	wait_end(&p, id, &r);
	reply_fini(&r);
	ck_assert_uint_ne(spawn(&p, "{'call': 'jobs:hang', 'token': 'a'}"), id);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The oldest of the ended go first, those of live ones never. */
START_TEST(they_are_bounded)
{
	struct peer p;
	struct reply r;

	live_start("[server]\ntokens = 3\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:hang', 'token': 'a'}"), 1);
	for (uint64_t i = 2; i <= 4; i++) {
		ck_assert_uint_eq(spawn(&p,
				      "{'call': 'jobs:echo', 'token': '%ju'}",
				      (uintmax_t)i),
		    i);
		wait_end(&p, i, &r);
		reply_fini(&r);
	}
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:hang', 'token': 'a'}"), 1);
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:echo', 'token': '4'}"), 4);
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:echo', 'token': '3'}"), 3);
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:hang', 'token': '2'}"), 5);
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:hang', 'token': '6'}"), 6);
	peer_response(&p,
	    peer_send(&p, "spawn", "{'call': 'jobs:hang', 'token': '7'}"), &r);
	ck_assert_str_eq(str_at(&r, "code"), "busy");
	ck_assert_str_eq(str_at(&r, "resource"), "tokens");
	ck_assert_int_gt(int_at(&r, "retry_ns"), 0);
	reply_fini(&r);
	spawn(&p, "{'call': 'jobs:hang'}");
	/* There is room as soon as one of them has ended. */
	ask(&p, &r, "kill", "{'id': 1}");
	reply_fini(&r);
	wait_end(&p, 1, &r);
	reply_fini(&r);
	spawn(&p, "{'call': 'jobs:hang', 'token': '7'}");
	peer_close(&p);
	live_stop();
}
END_TEST

/* Of a child whose record is gone a token keeps what it would tell, and not
 * much more. */
START_TEST(they_are_small)
{
	enum { TOKENS = 200, EACH_KB = 4 };
	struct peer p;
	struct reply r;
	long kb = 0;

	live_start("[server]\nrecords = 0\n[template.default]\n"
		   "path = [\"%s\"]\n");
	peer_open(&p);
	for (int i = -20; i < TOKENS; i++) {
		if (i == 0)
			kb = rss_kb(live.pid);
		spawn(&p, "{'call': 'jobs:echo', 'token': '%d'}", i);
		peer_event(&p, "exited", &r);
		reply_fini(&r);
	}
	/* A sanitised daemon keeps what it has freed, too. */
	if (!sanitised())
		ck_assert_int_lt(rss_kb(live.pid) - kb, TOKENS * EACH_KB);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(wrong_tokens)
{
	static const char *const bad[] = { "''", "1", "['a']", "x'6100'" };
	char longest[257];
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	memset(longest, 'x', sizeof(longest));
	longest[256] = '\0';
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(&p, "invalid_params", "token", "spawn",
		    "{'code': '', 'token': %s}", bad[i]);
	refused(&p, "limit", "token", "spawn", "{'code': '', 'token': '%s'}",
	    longest);
	spawn(&p, "{'code': '', 'token': '%s'}", longest + 1);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { other_params, they_expire,
		they_are_bounded, they_are_small, wrong_tokens, NULL };

	return harness_main("tokens", tests);
}
