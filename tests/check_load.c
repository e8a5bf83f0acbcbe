/*
 * Many children: nothing is lost, nothing leaks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"

#define IN_A_ROW 500
#define AT_ONCE 200

static void
one(struct peer *p, int i)
{
	struct reply r;

	ck_assert_int_eq(run(p, &r,
			     "{'call': 'jobs:trio_echo', 'args': "
			     "[%d]}",
			     i),
	    0);
	ck_assert_int_eq(int_at(&r, "result.0"), i);
	reply_fini(&r);
}

/* 500 in a row: descriptors and memory of daemon and zygote do not grow. */
START_TEST(in_a_row)
{
	struct peer p;
	long daemon_kb, zygote_kb;
	int daemon_fds, zygote_fds;
	pid_t zygote;

	live_start(NULL);
	peer_open(&p);
	zygote = live_zygote(&p);
	for (int i = 0; i < 50; i++)
		one(&p, i);
	daemon_kb = rss_kb(live.pid);
	zygote_kb = rss_kb(zygote);
	daemon_fds = fd_count(live.pid);
	zygote_fds = fd_count(zygote);
	for (int i = 0; i < IN_A_ROW; i++)
		one(&p, i);
	ck_assert_int_eq(live_zygote(&p), zygote);
	ck_assert_int_eq(fd_count(live.pid), daemon_fds);
	ck_assert_int_eq(fd_count(zygote), zygote_fds);
	/* 500 exit records are kept on purpose: some hundred bytes each.  A
	 * sanitised daemon keeps what it has freed, too. */
	if (!sanitised())
		ck_assert_int_lt(rss_kb(live.pid) - daemon_kb, 2048);
	ck_assert_int_lt(rss_kb(zygote) - zygote_kb, 512);
	peer_close(&p);
	live_stop();
}
END_TEST

/* 200 asked for in one breath, all alive together. */
START_TEST(at_once)
{
	struct peer p;
	struct reply r;
	uint32_t asked[AT_ONCE];
	uint64_t ids[AT_ONCE];
	int fds;

	live_start(NULL);
	peer_open(&p);
	one(&p, 0);
	fds = fd_count(live.pid);
	for (int i = 0; i < AT_ONCE; i++)
		asked[i] = peer_send(&p, "spawn", "{'call': 'jobs:hang'}");
	for (int i = 0; i < AT_ONCE; i++) {
		/* In whatever order the answers come. */
		peer_next(&p, &r);
		while (r.msg.type != MSG_RESPONSE) {
			reply_fini(&r);
			peer_next(&p, &r);
		}
		ck_assert_uint_ge(r.msg.id, asked[0]);
		ck_assert_uint_le(r.msg.id, asked[AT_ONCE - 1]);
		ids[r.msg.id - asked[0]] = int_at(&r, "id");
		reply_fini(&r);
	}
	ask(&p, &r, "status", "{}");
	ck_assert_int_eq(int_at(&r, "children.running"), AT_ONCE);
	reply_fini(&r);
	ask(&p, &r, "list", "{}");
	ck_assert_uint_eq(at(&r, "children")->via.array.size, AT_ONCE);
	reply_fini(&r);
	for (int i = 0; i < AT_ONCE; i++)
		peer_send(&p, "cancel", "{'id': %ju}", (uintmax_t)ids[i]);
	for (int i = 0; i < AT_ONCE; i++) {
		wait_end(&p, ids[i], &r);
		ck_assert_int_eq(int_at(&r, "exit_code"), 143);
		reply_fini(&r);
	}
	ck_assert_int_eq(fd_count(live.pid), fds);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Exit records are bounded, the oldest go first. */
START_TEST(records_are_bounded)
{
	struct peer p;
	struct reply r;

	live_start("[server]\nrecords = 3\n[template.default]\n"
		   "path = [\"%s\"]\n");
	peer_open(&p);
	for (int i = 0; i < 5; i++)
		one(&p, i);
	refused(&p, "not_found", NULL, "wait", "{'id': 1}");
	refused(&p, "not_found", NULL, "inspect", "{'id': 2}");
	for (int i = 3; i <= 5; i++) {
		ask(&p, &r, "inspect", "{'id': %d}", i);
		ck_assert_str_eq(str_at(&r, "state"), "ended");
		ck_assert_int_eq(int_at(&r, "record.exit_code"), 0);
		reply_fini(&r);
	}
	ask(&p, &r, "list", "{'all': true}");
	ck_assert_uint_eq(at(&r, "children")->via.array.size, 3);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { in_a_row, at_once, records_are_bounded,
		NULL };

	return harness_main("load", tests);
}
