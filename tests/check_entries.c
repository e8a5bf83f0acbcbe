/*
 * The four kinds of entry, arguments, results, exceptions, exit statuses.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"

START_TEST(call_returns)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:echo', 'args': [1, -2,"
			     " 1.5, 'two', x'ff00', nil, true, [3], {'k': 4},"
			     " 18446744073709551615], 'kwargs': {'x': 5}}"),
	    0);
	ck_assert_int_eq(int_at(&r, "result.0.0"), 1);
	ck_assert_int_eq(int_at(&r, "result.0.1"), -2);
	ck_assert(at(&r, "result.0.2")->via.f64 == 1.5);
	ck_assert_str_eq(str_at(&r, "result.0.3"), "two");
	ck_assert_int_eq(at(&r, "result.0.4")->type, MSGPACK_OBJECT_BIN);
	ck_assert_mem_eq(at(&r, "result.0.4")->via.bin.ptr, "\xff\0", 2);
	ck_assert_int_eq(at(&r, "result.0.5")->type, MSGPACK_OBJECT_NIL);
	ck_assert(bool_at(&r, "result.0.6"));
	ck_assert_int_eq(int_at(&r, "result.0.7.0"), 3);
	ck_assert_int_eq(int_at(&r, "result.0.8.k"), 4);
	ck_assert(at(&r, "result.0.9")->via.u64 == UINT64_MAX);
	ck_assert_int_eq(int_at(&r, "result.1.x"), 5);
	ck_assert(!bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	ck_assert(!bool_at(&r, "core") && !has(&r, "exception"));
	ck_assert(int_at(&r, "rusage.minflt") > 0);
	ck_assert(int_at(&r, "lived_ns") > 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(call_of_coroutine_runs_under_trio)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:trio_echo', 'args': "
			     "[7]}"),
	    0);
	ck_assert_int_eq(int_at(&r, "result.0"), 7);
	reply_fini(&r);
	/* In an interpreter that passes for a process's first. */
	ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:interpreter'}"), 0);
	ck_assert_int_eq(int_at(&r, "result.0"), 0);
	ck_assert_int_eq(int_at(&r, "result.1"), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(reply_tells_the_start)
{
	static const char *const phases[] = { "queue", "fork", "adopt", "setup",
		"import", "notice" };
	struct peer p;
	struct reply r;
	int64_t sum = 0;
	char key[32];

	live_start(NULL);
	peer_open(&p);
	ask(&p, &r, "spawn", "{'call': 'jobs:echo', 'pidfd': true}");
	ck_assert_int_eq(int_at(&r, "id"), 1);
	ck_assert_int_gt(int_at(&r, "pid"), 1);
	ck_assert_str_eq(str_at(&r, "template"), "default");
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	ck_assert_str_eq(str_at(&r, "start"),
	    live.standbys ? "standby" : "warm");
	ck_assert_int_ge(int_at(&r, "interpreter"), 1);
	ck_assert(bool_at(&r, "promoted"));
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		snprintf(key, sizeof(key), "phases.%s_ns", phases[i]);
		ck_assert_int_ge(int_at(&r, key), 0);
		sum += int_at(&r, key);
	}
	ck_assert_int_eq(int_at(&r, "phases.total_ns"), sum);
	ck_assert_int_ne(r.fd, -1);
	reply_fini(&r);
	/* The owner is told of the end without asking. */
	peer_event(&p, "exited", &r);
	ck_assert_int_eq(int_at(&r, "id"), 1);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(programs_run_as_python_runs_them)
{
	struct peer p;
	char path[128];
	FILE *f;

	live_start(NULL);
	peer_open(&p);
	snprintf(path, sizeof(path), "%s/prog.py", live.dir);
	f = fopen(path, "w");
	ck_assert(f != NULL);
	fputs("import sys\nprint(__name__, sys.argv[1:])\n", f);
	fclose(f);
	ck_assert_str_eq(output(&p,
			     "{'script': '%s', 'argv': ['a', '-b'],"
			     " 'fds': [1]}",
			     path),
	    "__main__ ['a', '-b']\n");
	ck_assert_str_eq(output(&p,
			     "{'script': 'prog.py', 'cwd': '%s',"
			     " 'fds': [1]}",
			     live.dir),
	    "__main__ []\n");
	ck_assert_str_eq(output(&p,
			     "{'module': 'prog', 'cwd': '%s',"
			     " 'argv': ['c'], 'fds': [1]}",
			     live.dir),
	    "__main__ ['c']\n");
	ck_assert_str_eq(
	    output(&p,
		"{'code': 'import sys; "
		"print(__name__, sys.argv)', 'argv': ['d'], 'fds': [1]}"),
	    "__main__ ['-c', 'd']\n");
	unlink(path);
	snprintf(path, sizeof(path), "rm -rf %s/__pycache__", live.dir);
	ck_assert_int_eq(system(path), 0);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(exceptions_are_told_with_traceback)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:raises', 'args': "
			     "['no \xe2\x82\xac']}"),
	    1);
	ck_assert_str_eq(str_at(&r, "exception.type"), "ValueError");
	ck_assert_str_eq(str_at(&r, "exception.message"), "no \xe2\x82\xac");
	ck_assert(strstr(str_at(&r, "exception.traceback"), "in raises\n") !=
	    NULL);
	/* Of our own frames nothing is seen. */
	ck_assert(strstr(str_at(&r, "exception.traceback"), "<forkserverd") ==
	    NULL);
	ck_assert(!has(&r, "result"));
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:trio_raises', 'args': "
			     "['x']}"),
	    1);
	ck_assert_str_eq(str_at(&r, "exception.type"), "ExceptionGroup");
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r, "{'code': '1/0'}"), 1);
	ck_assert_str_eq(str_at(&r, "exception.type"), "ZeroDivisionError");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(ends_are_told_apart)
{
	static const struct {
		const char *params;
		int status; /* -signal */
	} ends[] = {
		{ "{'call': 'jobs:exits', 'args': [0]}", 0 },
		{ "{'call': 'jobs:exits', 'args': [3]}", 3 },
		{ "{'call': 'jobs:exits', 'args': [259]}", 3 },
		{ "{'call': 'jobs:exits', 'args': [nil]}", 0 },
		{ "{'call': 'jobs:exits', 'args': ['bye']}", 1 },
		{ "{'call': 'jobs:dies', 'args': [9]}", -SIGKILL },
		{ "{'call': 'jobs:dies', 'args': [10]}", -SIGUSR1 },
		{ "{'code': 'import os; os.kill(os.getpid(), 15)'}", -SIGTERM },
		{ "{'call': 'jobs:interrupts'}", -SIGINT },
		{ "{'code': 'import os; os.abort()'}", -SIGABRT },
		{ "{'code': 'import os; os._exit(7)'}", 7 },
	};
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		int status = run(&p, &r, "%s", ends[i].params);

		ck_assert_msg(status == ends[i].status, "%s: %d",
		    ends[i].params, status);
		ck_assert(has(&r, "signal") != has(&r, "exit_code"));
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(results_that_cannot_be_told_say_why)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:unpackable'}"), 0);
	ck_assert(strstr(str_at(&r, "result_error"), "object") != NULL);
	ck_assert(!has(&r, "result"));
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:large', 'args': "
			     "[4190000]}"),
	    0);
	ck_assert_int_eq(at(&r, "result")->via.bin.size, 4190000);
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:large', 'args': "
			     "[4200000]}"),
	    0);
	ck_assert(strstr(str_at(&r, "result_error"), "larger") != NULL);
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:nested', 'args': "
			     "[26]}"),
	    0);
	ck_assert(has(&r, "result"));
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:nested', 'args': "
			     "[500]}"),
	    0);
	ck_assert(strstr(str_at(&r, "result_error"), "nested") != NULL);
	reply_fini(&r);
	/* The deepest of all, as deep inside of others as it gets. */
	ask(&p, &r, "list", "{'all': true}");
	ck_assert(has(&r, "children.3.record.result"));
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:zeros', 'args': [786367]}"),
	    0);
	ck_assert_uint_eq(at(&r, "result")->via.array.size, 786367);
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:zeros', 'args': [786368]}"),
	    0);
	ck_assert(strstr(str_at(&r, "result_error"), "values") != NULL);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(entries_that_are_not_there)
{
	struct peer p;
	struct reply r;
	uint32_t id;

	live_start(NULL);
	peer_open(&p);
	id = peer_send(&p, "spawn", "{'call': 'jobs:nosuch'}");
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "import_failed");
	ck_assert_str_eq(str_at(&r, "type"), "AttributeError");
	ck_assert(strstr(str_at(&r, "detail"), "nosuch") != NULL);
	ck_assert(strstr(str_at(&r, "traceback"), "AttributeError") != NULL);
	reply_fini(&r);
	id = peer_send(&p, "spawn", "{'call': 'raises_at_import:main'}");
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "import_failed");
	ck_assert_str_eq(str_at(&r, "type"), "RuntimeError");
	ck_assert(strstr(str_at(&r, "traceback"), "raises_at_import.py") !=
	    NULL);
	reply_fini(&r);
	refused(&p, "import_failed", NULL, "spawn", "{'call': 'nosuch:x'}");
	refused(&p, "import_failed", NULL, "spawn", "{'call': 'os:sep'}");
	refused(&p, "import_failed", NULL, "spawn", "{'module': 'nosuch'}");
	refused(&p, "import_failed", NULL, "spawn", "{'script': '/nosuch'}");
	refused(&p, "import_failed", NULL, "spawn", "{'code': 'x = = 1'}");
	refused(&p, "import_failed", NULL, "spawn",
	    "{'call': 'exits_at_import:x'}");
	refused(&p, "child_died", NULL, "spawn",
	    "{'call': 'crashes_at_import:x'}");
	/* A failed spawn is no child of anybody's: no event comes for it. */
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { call_returns,
		call_of_coroutine_runs_under_trio, reply_tells_the_start,
		programs_run_as_python_runs_them,
		exceptions_are_told_with_traceback, ends_are_told_apart,
		results_that_cannot_be_told_say_why, entries_that_are_not_there,
		NULL };

	return harness_main("entries", tests);
}
