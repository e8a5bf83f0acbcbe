/*
 * What limits a child meets, as its template and its spawn say, whichever way it
 * is started; and who may not ask for which.
 */
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/guise.h"

#define ALICE 1 /* has an account */

#define SERVER "[server]\nmode = \"0666\"\nallow_users = [\"*\"]\n"
#define PRELOAD "path = [\"%s\"]\npreload = [\"trio\", \"limited\"]\n"

static struct rlimit
own(int resource)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(resource, &r), 0);
	return r;
}

static void
expect_pair(const struct reply *r, const char *name, int64_t soft, int64_t hard)
{
	char path[64];

	snprintf(path, sizeof(path), "result.%s.0", name);
	ck_assert_int_eq(int_at(r, path), soft);
	snprintf(path, sizeof(path), "result.%s.1", name);
	ck_assert_int_eq(int_at(r, path), hard);
}

/* START: a way to start, and how it is told of. */
static void
expect_as_asked(struct peer *p, const char *start, const char *told)
{
	struct reply r;
	uint64_t id;

	ask(p, &r, "spawn",
	    "{'call': 'limited:limits', 'start': '%s', 'nice': 7, 'cpus': '0',"
	    " 'rlimits': {'core': 0, 'nofile': [100, 600]},"
	    " 'oom_score_adj': 900}",
	    start);
	ck_assert_str_eq(str_at(&r, "start"), told);
	id = (uint64_t)int_at(&r, "id");
	reply_fini(&r);
	wait_end(p, id, &r);
	expect_pair(&r, "core", 0, 0);
	expect_pair(&r, "nofile", 100, 600);
	ck_assert_int_eq(int_at(&r, "result.nice"), 7);
	ck_assert_int_eq(int_at(&r, "result.oom_score_adj"), 900);
	ck_assert_uint_eq(at(&r, "result.cpus")->via.array.size, 1);
	ck_assert_int_eq(int_at(&r, "result.cpus.0"), 0);
	reply_fini(&r);
}

START_TEST(of_a_standby)
{
	struct peer p;

	live_start_standbys("[template.default]\nstandby_min = 1\n"
			    "standby_max = 1\n" PRELOAD);
	peer_open(&p);
	expect_as_asked(&p, "any", "standby");
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(of_a_forked_one)
{
	struct peer p;

	live_start("[template.default]\n" PRELOAD);
	peer_open(&p);
	expect_as_asked(&p, "warm", "warm");
	expect_as_asked(&p, "cold", "cold");
	peer_close(&p);
	live.baseline++; /* the cold zygote */
	live_stop();
}
END_TEST

/* A spawn's go before the template's, of rlimits each for itself. */
START_TEST(those_of_the_template)
{
	struct peer p;
	struct reply r;

	live_start("[template.default]\nnice = 3\noom_score_adj = 700\n"
		   "rlimits = { core = 0, nofile = [300, 700] }\n"
		   "cpus = \"0\"\n" PRELOAD);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "{'call': 'limited:limits'}"), 0);
	expect_pair(&r, "core", 0, 0);
	expect_pair(&r, "nofile", 300, 700);
	ck_assert_int_eq(int_at(&r, "result.nice"), 3);
	ck_assert_int_eq(int_at(&r, "result.oom_score_adj"), 700);
	ck_assert_uint_eq(at(&r, "result.cpus")->via.array.size, 1);
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'limited:limits', 'nice': 9,"
			     " 'rlimits': {'nofile': 512}}"),
	    0);
	expect_pair(&r, "core", 0, 0);
	expect_pair(&r, "nofile", 512, 512);
	ck_assert_int_eq(int_at(&r, "result.nice"), 9);
	ck_assert_int_eq(int_at(&r, "result.oom_score_adj"), 700);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Nobody is given less than the daemon was started with. */
START_TEST(none_at_all)
{
	struct rlimit nofile = own(RLIMIT_NOFILE), core = own(RLIMIT_CORE);
	struct peer p;
	struct reply r;

	live_start("[template.default]\n" PRELOAD);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "{'call': 'limited:limits'}"), 0);
	/* Room for its control socket, see own_limits.c. */
	expect_pair(&r, "nofile",
	    nofile.rlim_cur < 1024 ? 1024 : (int64_t)nofile.rlim_cur,
	    (int64_t)nofile.rlim_max);
	expect_pair(&r, "core", (int64_t)core.rlim_cur, (int64_t)core.rlim_max);
	ck_assert_int_eq(int_at(&r, "result.nice"),
	    getpriority(PRIO_PROCESS, 0));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(what_is_wrong)
{
	static const struct {
		const char *params, *key;
	} bad[] = {
		{ "'nice': 20", "nice" },
		{ "'nice': -21", "nice" },
		{ "'nice': '5'", "nice" },
		{ "'nice': 18446744073709551615", "nice" },
		{ "'oom_score_adj': 1001", "oom_score_adj" },
		{ "'oom_score_adj': -1001", "oom_score_adj" },
		{ "'oom_score_adj': true", "oom_score_adj" },
		{ "'cpus': ''", "cpus" },
		{ "'cpus': '1-'", "cpus" },
		{ "'cpus': '3-1'", "cpus" },
		{ "'cpus': '0,'", "cpus" },
		{ "'cpus': '1024'", "cpus" },
		{ "'cpus': [0]", "cpus" },
		{ "'memory_max': 0", "memory_max" },
		{ "'memory_max': -1", "memory_max" },
		{ "'memory_max': 9223372036854775808", "memory_max" },
		{ "'memory_max': 18446744073709551615", "memory_max" },
		{ "'memory_max': '64m'", "memory_max" },
		{ "'memory_max': 'M'", "memory_max" },
		{ "'memory_max': '8388608T'", "memory_max" },
		{ "'memory_max': 1.5", "memory_max" },
		{ "'cpu_weight': 0", "cpu_weight" },
		{ "'cpu_weight': 10001", "cpu_weight" },
		{ "'cpu_weight': 'infinity'", "cpu_weight" },
		{ "'pids_max': 0", "pids_max" },
		{ "'pids_max': 4194305", "pids_max" },
		{ "'pids_max': '1K'", "pids_max" },
		{ "'pids_max': [1]", "pids_max" },
		{ "'rlimits': []", "rlimits" },
		{ "'rlimits': {1: 1}", "rlimits" },
		{ "'rlimits': {'nosuch': 1}", "rlimits.nosuch" },
		{ "'rlimits': {'core': -1}", "rlimits.core" },
		{ "'rlimits': {'core': 'many'}", "rlimits.core" },
		{ "'rlimits': {'core': [1]}", "rlimits.core" },
		{ "'rlimits': {'core': [1, 2, 3]}", "rlimits.core" },
		{ "'rlimits': {'core': [2, 1]}", "rlimits.core" },
		{ "'rlimits': {'core': ['infinity', 1]}", "rlimits.core" },
	};
	struct peer p;
	struct reply r;

	live_start("[template.default]\n" PRELOAD);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(&p, "invalid_params", bad[i].key, "spawn",
		    "{'code': '1', %s}", bad[i].params);
	/* What only the kernel knows. */
	peer_response(&p,
	    peer_send(&p, "spawn", "{'code': '1', 'cpus': '0,1023'}"), &r);
	ck_assert_str_eq(str_at(&r, "code"), "setup_failed");
	ck_assert_str_eq(str_at(&r, "step"), "limits");
	ck_assert_str_eq(str_at(&r, "object"), "cpus");
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r, "{'code': '1'}"), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The peer is the test's own process: what it has lost it cannot ask for. */
START_TEST(never_above_the_peers)
{
	struct rlimit r = { 500, 700 };
	struct peer alice;
	struct reply reply;

	guise_start(SERVER "[template.default]\nuser = \"peer\"\n"
			   "rlimits = { nproc = 900 }\n"
			   "nice = 2\noom_score_adj = 600\n" PRELOAD);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	guise_open(&alice, ALICE, ALICE, 0);
	refused(&alice, "denied", "rlimits.nofile", "spawn",
	    "{'code': '1', 'rlimits': {'nofile': [100, 701]}}");
	refused(&alice, "denied", "rlimits.nofile", "spawn",
	    "{'code': '1', 'rlimits': {'nofile': 'infinity'}}");
	refused(&alice, "denied", "rlimits.nproc", "spawn",
	    "{'code': '1', 'rlimits': {'nproc': 901}}");
	refused(&alice, "denied", "nice", "spawn", "{'code': '1', 'nice': 1}");
	refused(&alice, "denied", "oom_score_adj", "spawn",
	    "{'code': '1', 'oom_score_adj': 599}");
	ck_assert_int_eq(
	    run(&alice, &reply,
		"{'call': 'limited:limits', 'nice': 2, 'oom_score_adj': 600,"
		" 'rlimits': {'nofile': 700, 'nproc': [800, 900]}}"),
	    0);
	expect_pair(&reply, "nofile", 700, 700);
	expect_pair(&reply, "nproc", 800, 900);
	ck_assert_int_eq(int_at(&reply, "result.nice"), 2);
	reply_fini(&reply);
	/* As it is now, not as it was when it connected. */
	r.rlim_max = 600;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	refused(&alice, "denied", "rlimits.nofile", "spawn",
	    "{'code': '1', 'rlimits': {'nofile': 700}}");
	peer_close(&alice);
	live.baseline++; /* her zygote */
	live_stop();
}
END_TEST

/* What the daemon's root may, its guest's children may by their template. */
START_TEST(a_guests_template_may_be_nicer_off)
{
	struct peer alice;
	struct reply reply;

	guise_start(SERVER
	    "[template.default]\nuser = \"peer\"\nnice = -3\n" PRELOAD);
	guise_open(&alice, ALICE, ALICE, 0);
	ck_assert_int_eq(run(&alice, &reply, "{'call': 'limited:limits'}"), 0);
	ck_assert_int_eq(int_at(&reply, "result.nice"), -3);
	reply_fini(&reply);
	refused(&alice, "denied", "nice", "spawn", "{'code': '1', 'nice': -4}");
	peer_close(&alice);
	live.baseline++; /* her zygote */
	live_stop();
}
END_TEST

static bool
may_raise(void)
{
	unsigned long long set = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "CapEff: %llx", &set);
	fclose(f);
	return (set >> CAP_SYS_RESOURCE & 1) != 0;
}

/* By its template, above what the daemon was started with: given, or told why
 * not. */
START_TEST(a_template_above_the_daemons)
{
	struct rlimit r = { 600, 600 };
	struct peer alice;
	struct reply reply;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	guise_start(SERVER "[template.default]\nuser = \"peer\"\n"
			   "rlimits = { nofile = [600, 2000] }\n" PRELOAD);
	guise_open(&alice, ALICE, ALICE, 0);
	if (may_raise()) {
		ck_assert_int_eq(run(&alice, &reply,
				     "{'call': 'limited:limits'}"),
		    0);
		expect_pair(&reply, "nofile", 600, 2000);
		reply_fini(&reply);
		refused(&alice, "denied", "rlimits.nofile", "spawn",
		    "{'code': '1', 'rlimits': {'nofile': 601}}");
		live.baseline++; /* her zygote */
	} else {
		refused(&alice, "template_failed", NULL, "spawn",
		    "{'code': '1'}");
	}
	peer_close(&alice);
	live_stop();
}
END_TEST

START_TEST(root_may_ask_for_more)
{
	static const char more[] = "{'call': 'limited:limits', 'nice': -5,"
				   " 'rlimits': {'nofile': [650, 3000]}}";
	struct rlimit r = { 600, 600 };
	struct peer p;
	struct reply reply;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	live_start("[template.default]\nnice = 2\n" PRELOAD);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &reply,
			     "{'call': 'limited:limits', 'nice': -5}"),
	    0);
	ck_assert_int_eq(int_at(&reply, "result.nice"), -5);
	reply_fini(&reply);
	if (may_raise()) {
		ck_assert_int_eq(run(&p, &reply, "%s", more), 0);
		expect_pair(&reply, "nofile", 650, 3000);
		reply_fini(&reply);
	} else {
		refused(&p, "denied", "rlimits.nofile", "spawn", "%s", more);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { of_a_standby, of_a_forked_one,
		those_of_the_template, none_at_all, what_is_wrong,
		never_above_the_peers, a_guests_template_may_be_nicer_off,
		a_template_above_the_daemons, root_may_ask_for_more, NULL };

	return harness_main("bounds", tests);
}
