/*
 * The daemon's loop, once it is warm, asks the allocator for nothing.
 */
#include <limits.h>

#include "tests/fault.h"
#include "tests/harness.h"
#include "tests/standbys.h"

#define STANDBYS 2
#define BATCH 5 /* times STANDBYS children */
#define BATCHES 30

static const char config[] = "[server]\nrecords = 4\n"
			     "[template.default]\n"
			     "path = [\"%s\"]\n"
			     "standby_min = 2\nstandby_max = 2\n";

/* Two children, one behind the other, from the request to the end of the
 * record; the standbys, where there are any, are made anew. */
static void
two(struct peer *p, const char *start)
{
	struct reply r;

	for (int i = 0; i < STANDBYS; i++) {
		wait_end(p, spawn(p, "{'call': 'jobs:echo', 'args': [7]}"), &r);
		ck_assert_int_eq(int_at(&r, "result.0.0"), 7);
		ck_assert_str_eq(str_at(&r, "start"), start);
		reply_fini(&r);
	}
	if (live.standbys)
		standby_until(p, "standby.ready", STANDBYS);
}

/* Until a batch goes by without one.  It may take a while: tables grow, records
 * fill up, more is in flight at once than before.  What is not kept for the
 * next child is asked for in each batch. */
static void
until_none(const char *start)
{
	struct peer p;
	unsigned n = UINT_MAX;

	peer_open(&p);
	for (int i = 0; i < BATCHES && n > 0; i++) {
		/* Counted, and none fails. */
		fault_set(FAULT_DAEMON, FAULT_ALLOC, UINT_MAX, 1, 0);
		for (int k = 0; k < BATCH; k++)
			two(&p, start);
		n = fault_seen(FAULT_DAEMON, FAULT_ALLOC);
	}
	ck_assert_msg(n == 0, "%u allocations for %d children", n,
	    STANDBYS * BATCH);
	peer_close(&p);
	fault_stop();
}

START_TEST(of_warm_starts)
{
	fault_start(config);
	until_none("warm");
}
END_TEST

START_TEST(of_standbys)
{
	fault_start_standbys(config);
	until_none("standby");
}
END_TEST

/* What one child has left is in no other's way, however much it was. */
START_TEST(one_after_the_other)
{
	static const int sizes[] = { 5, 5000, 100000, 0, 70, 1500 };
	enum { N = sizeof(sizes) / sizeof(*sizes) };
	struct peer p;
	struct reply r;

	live_start("[server]\nrecords = 1\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	for (int i = 0; i < 3 * N; i++) {
		const msgpack_object *o;

		run(&p, &r, "{'call': 'operator:mul', 'args': ['%c', %d]}",
		    'a' + i, sizes[i % N]);
		o = at(&r, "result");
		ck_assert_int_eq(o->type, MSGPACK_OBJECT_STR);
		ck_assert_uint_eq(o->via.str.size, sizes[i % N]);
		for (uint32_t k = 0; k < o->via.str.size; k++)
			ck_assert_int_eq(o->via.str.ptr[k], 'a' + i);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { one_after_the_other, of_warm_starts,
		of_standbys, NULL };
	/* A sanitiser's allocations cannot be counted, and spare.c keeps
	 * nothing for it. */
	const TTest *const sanitised_tests[] = { one_after_the_other, NULL };

	return harness_main("warm", sanitised() ? sanitised_tests : tests);
}
