/*
 * What `status` tells of how long spawns took, and of zygotes' memory.
 */
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"

static const char *const phases[] = { "queue_ns", "fork_ns", "adopt_ns",
	"setup_ns", "import_ns", "notice_ns", "total_ns" };

static int64_t
figure(const struct reply *r, const char *start, const char *phase,
    const char *key)
{
	char path[80];

	snprintf(path, sizeof(path), "latency.%s.%s.%s", start, phase, key);
	return int_at(r, path);
}

/* Each phase counts N, and its figures are in order. */
static void
expect_counts(const struct reply *r, const char *start, int64_t n)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		int64_t last = 0;

		ck_assert_int_eq(figure(r, start, phases[i], "count"), n);
		for (const char *const *k = (const char *const[]){ "p50_ns",
			 "p90_ns", "p99_ns", "max_ns", NULL };
		    *k != NULL; k++) {
			int64_t ns = figure(r, start, phases[i], *k);

			ck_assert_int_ge(ns, last);
			last = ns;
		}
	}
	ck_assert_int_gt(figure(r, start, "total_ns", "p50_ns"), 0);
	ck_assert_int_ge(figure(r, start, "total_ns", "max_ns"),
	    figure(r, start, "adopt_ns", "max_ns"));
}

START_TEST(counts_add_up)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ask(&p, &r, "status", "{}");
	ck_assert_uint_eq(at(&r, "latency")->via.map.size, 0);
	reply_fini(&r);
	for (int i = 0; i < 5; i++) {
		run(&p, &r, "{'call': 'jobs:echo', 'start': 'warm'}");
		reply_fini(&r);
	}
	/* A child that did not start took no time to start. */
	refused(&p, "import_failed", NULL, "spawn", "{'call': 'no:no'}");
	ask(&p, &r, "status", "{}");
	expect_counts(&r, "warm", 5);
	ck_assert(!has(&r, "latency.cold"));
	reply_fini(&r);
	for (int i = 0; i < 2; i++) {
		run(&p, &r, "{'call': 'jobs:echo', 'start': 'cold'}");
		reply_fini(&r);
	}
	ask(&p, &r, "status", "{}");
	expect_counts(&r, "warm", 5);
	expect_counts(&r, "cold", 2);
	ck_assert_int_eq(int_at(&r, "spawned"), 7);
	reply_fini(&r);
	peer_close(&p);
	live.baseline++; /* the cold zygote's socket */
	live_stop();
}
END_TEST

/* The figures of one child are those of its own reply, to one in a hundred. */
START_TEST(figures_are_the_replys)
{
	struct peer p;
	struct reply r;
	char path[80];
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	q = peer_send(&p, "spawn", "{'call': 'jobs:echo', 'start': 'warm'}");
	peer_response(&p, q, &r);
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		int64_t ns, shown;
		struct reply s;

		snprintf(path, sizeof(path), "phases.%s", phases[i]);
		ns = int_at(&r, path);
		ask(&p, &s, "status", "{}");
		shown = figure(&s, "warm", phases[i], "max_ns");
		ck_assert_int_ge(shown, ns);
		ck_assert_int_le(shown, ns + ns / 100 + 1);
		reply_fini(&s);
	}
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(memory_of_a_zygote)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	for (const char *const *m =
		 (const char *const[]){ "status", "templates", NULL };
	    *m != NULL; m++) {
		int64_t all, own;

		ask(&p, &r, *m, "{}");
		all = int_at(&r, "templates.0.resident_kb");
		own = int_at(&r, "templates.0.anonymous_kb");
		ck_assert_int_gt(own, 0);
		ck_assert_int_gt(all, own);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { counts_add_up, figures_are_the_replys,
		memory_of_a_zygote, NULL };

	return harness_main("latency", tests);
}
