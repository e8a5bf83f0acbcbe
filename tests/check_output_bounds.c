/*
 * The bounds of captured output: of a stream, of a record, of all together; and
 * that a flood is in nobody's way.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/written.h"

#define KEPT 65536 /* by default */

/* A million bytes through the default bound, and through others. */
START_TEST(bounded)
{
	enum { LINES = 125000, TOTAL = 8 * LINES + sizeof(IMPORTED) - 1 };
	static const struct {
		const char *capture;
		size_t kept;
		bool oldest;
	} cases[] = {
		{ "{}", KEPT, false },
		{ "{'keep': 'newest', 'bytes': 4097}", 4097, false },
		{ "{'keep': 'oldest'}", KEPT, true },
		{ "{'keep': 'oldest', 'bytes': 1}", 1, true },
		{ "{'bytes': 1048576}", TOTAL, false },
	};
	static char all[TOTAL + 1];
	struct peer p;
	struct reply r;
	int n = sprintf(all, IMPORTED);

	for (int i = 0; i < LINES; i++)
		n += sprintf(all + n, "%07d\n", i);
	ck_assert_int_eq(n, TOTAL);
	live_start(NULL);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t kept = cases[i].kept;

		ck_assert_int_eq(run(&p, &r,
				     "{'call': 'writes:numbers', 'args': [%d], "
				     "'capture': %s}",
				     LINES, cases[i].capture),
		    0);
		written_data(&r, "output.stdout.data",
		    cases[i].oldest ? all : all + TOTAL - kept, kept);
		ck_assert_int_eq(int_at(&r, "output.stdout.bytes"), TOTAL);
		ck_assert_int_eq(int_at(&r, "output.stdout.dropped"),
		    (int64_t)(TOTAL - kept));
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* One that floods neither stops nor is in the way of others. */
START_TEST(flood)
{
	static char all[KEPT];
	struct peer p;
	struct reply r;
	uint64_t id;
	int64_t bytes;

	memset(all, 'x', sizeof(all));
	live_start(NULL);
	peer_open(&p);
	id = spawn(&p, "{'call': 'writes:flood', 'capture': {}}");
	do {
		ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
		bytes = int_at(&r, "output.stdout.bytes");
		reply_fini(&r);
		written_both(&p, "'capture': {}");
	} while (bytes < 16 << 20);
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	wait_end(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	written_data(&r, "output.stdout.data", all, sizeof(all));
	ck_assert(bool_at(&r, "output.stdout.complete"));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The newest records that fit are kept. */
START_TEST(records_are_bounded)
{
	struct peer p;
	struct reply r;
	uint64_t id = 0;

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < 66; i++) {
		id = spawn(&p,
		    "{'call': 'writes:flood', 'args': [17],"
		    " 'capture': {'bytes': 1048576}}");
		wait_end(&p, id, &r);
		reply_fini(&r);
	}
	refused(&p, "not_found", "id", "wait", "{'id': 1}");
	wait_end(&p, id - 60, &r);
	ck_assert_uint_eq(at(&r, "output.stdout.data")->via.bin.size, 1048576);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* What live children's captures may take together. */
START_TEST(no_room)
{
	struct peer p, other;
	struct reply r;
	int64_t left;

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.late]\nstart = \"demand\"\npath = [\"%s\"]\n"
		   "preload = [\"hangs_at_import\"]\n");
	peer_open(&p);
	peer_open(&other);
	for (int i = 0; i < 128; i++)
		peer_send(&p, "spawn",
		    "{'template': 'late', 'code': '1',"
		    " 'capture': {'bytes': 1048576}}");
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	peer_response(&other,
	    peer_send(&other, "spawn", "{'code': '1', 'capture': {}}"), &r);
	ck_assert_str_eq(str_at(&r, "code"), "busy");
	ck_assert_str_eq(str_at(&r, "resource"), "bytes");
	ck_assert_int_gt(int_at(&r, "retry_ns"), 0);
	reply_fini(&r);
	run(&other, &r, "{'code': '1'}");
	reply_fini(&r);
	peer_close(&p);
	do {
		ask(&other, &r, "status", "{}");
		left = int_at(&r, "children.queued");
		reply_fini(&r);
	} while (left > 0);
	written_run(&other, &r, "'capture': {}");
	reply_fini(&r);
	peer_close(&other);
	live.baseline++; /* the zygote that hangs */
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { bounded, flood, records_are_bounded,
		no_room, NULL };

	return harness_main("output_bounds", tests);
}
