/*
 * Captured output: what is kept of it, and what is told.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/written.h"

START_TEST(both_streams)
{
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	written_both(&p, "'capture': {}");
	written_both(&p, "'capture': {'events': true}");
	written_both(&p, "'capture': {}, 'detached': true");
	written_both(&p, "'capture': {}, 'start': 'cold'");
	peer_close(&p);
	live.baseline++; /* the cold zygote */
	live_stop();
}
END_TEST

START_TEST(isolated)
{
	struct peer p;

	live_start("[template.default]\nmode = \"isolated\"\n"
		   "path = [\"%s\"]\n");
	peer_open(&p);
	written_both(&p, "'capture': {}");
	written_both(&p, "'capture': {}, 'start': 'cold'");
	peer_close(&p);
	live.baseline++; /* the cold zygote */
	live_stop();
}
END_TEST

START_TEST(one_stream)
{
	struct peer p;
	struct reply r;
	int pipefd[2];
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	written_run(&p, &r, "'capture': {'merge': true}");
	written_text(&r, "output.stdout.data",
	    IMPORTED "out\nerr\nprinted, too\nprinted\n");
	ck_assert(!has(&r, "output.stderr"));
	reply_fini(&r);
	written_run(&p, &r, "'capture': {'stdout': false}");
	written_text(&r, "output.stderr.data", "err\nprinted, too\n");
	ck_assert(!has(&r, "output.stdout"));
	reply_fini(&r);
	/* The other one is passed. */
	ck_assert_int_eq(pipe(pipefd), 0);
	q = peer_send_fds(&p, "spawn", &pipefd[1], 1,
	    "{'call': 'writes:both', 'fds': [2], 'capture': {'stderr': false}}");
	close(pipefd[1]);
	peer_response(&p, q, &r);
	q = int_at(&r, "id");
	reply_fini(&r);
	ck_assert_str_eq(read_text(pipefd[0], false), "err\nprinted, too\n");
	close(pipefd[0]);
	wait_end(&p, q, &r);
	written_text(&r, "output.stdout.data", IMPORTED "out\nprinted\n");
	reply_fini(&r);
	/* Nothing is captured that was not asked for. */
	written_run(&p, &r, "'capture': nil");
	ck_assert(!has(&r, "output"));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(any_bytes)
{
	struct peer p;
	struct reply r;
	unsigned char all[4096];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	live_start(NULL);
	peer_open(&p);
	run(&p, &r,
	    "{'call': 'writes:everything', 'args': [2], 'capture': {}}");
	written_data(&r, "output.stderr.data", all, sizeof(all));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* While the child runs, and where else the record is told. */
START_TEST(looked_at)
{
	struct peer p;
	struct reply r, e;
	int pipefd[2];
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(pipe(pipefd), 0);
	q = peer_send_fds(&p, "spawn", &pipefd[0], 1,
	    "{'call': 'writes:up_then_wait', 'args': [5], 'fds': [5],"
	    " 'capture': {'events': true}}");
	close(pipefd[0]);
	peer_response(&p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	do {
		peer_event(&p, "output", &e);
		q = int_at(&e, "offset") + at(&e, "data")->via.bin.size;
		reply_fini(&e);
	} while (q < strlen(IMPORTED "up\n"));
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	written_text(&r, "output.stdout.data", IMPORTED "up\n");
	ck_assert(!bool_at(&r, "output.stdout.complete"));
	reply_fini(&r);
	ask(&p, &r, "list", "{}");
	ck_assert_int_eq(int_at(&r, "children.0.output.stdout.bytes"), 12);
	ck_assert(!has(&r, "children.0.output.stdout.data"));
	reply_fini(&r);
	close(pipefd[1]);
	peer_event(&p, "exited", &e);
	ck_assert_int_eq(int_at(&e, "output.stdout.bytes"), 12);
	ck_assert(!has(&e, "output.stdout.data"));
	reply_fini(&e);
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	written_text(&r, "record.output.stdout.data", IMPORTED "up\n");
	ck_assert(!has(&r, "output"));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The grandchild has the pipe, for as long as it likes. */
START_TEST(grandchild_holds_it)
{
	struct peer p;
	struct reply r;
	int pipefd[2];
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(pipe(pipefd), 0);
	q = peer_send_fds(&p, "spawn", &pipefd[0], 1,
	    "{'call': 'writes:hold', 'args': [5], 'fds': [5], 'capture': {}}");
	close(pipefd[0]);
	peer_response(&p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	wait_end(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	written_text(&r, "output.stdout.data", IMPORTED "mine\n");
	ck_assert(!bool_at(&r, "output.stdout.complete"));
	reply_fini(&r);
	refused(&p, "not_running", NULL, "cancel", "{'id': %ju}",
	    (uintmax_t)id);
	close(pipefd[1]);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Whatever becomes of its spawn, nothing of a capture is left. */
START_TEST(spawns_that_fail)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	refused(&p, "import_failed", NULL, "spawn",
	    "{'call': 'writes:no', 'capture': {}}");
	refused(&p, "setup_failed", NULL, "spawn",
	    "{'call': 'writes:both', 'cwd': '/no/such', 'capture': {}}");
	refused(&p, "unknown_template", NULL, "spawn",
	    "{'code': '1', 'template': 'no', 'capture': {}}");
	refused(&p, "bad_fds", NULL, "spawn",
	    "{'code': '1', 'fds': [7], 'capture': {}}");
	refused(&p, "timeout", NULL, "spawn",
	    "{'call': 'writes:both', 'capture': {}, 'start_timeout_ns': 1}");
	wait_end(&p, 1, &r);
	written_text(&r, "output.stdout.data", IMPORTED);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(wrong_params)
{
	static const struct {
		const char *code, *key, *capture;
	} cases[] = {
		{ "invalid_params", "capture", "true" },
		{ "invalid_params", "capture", "['stdout']" },
		{ "invalid_params", "capture.stdout", "{'stdout': 1}" },
		{ "invalid_params", "capture.stderr", "{'stderr': 'stdout'}" },
		{ "invalid_params", "capture.merge", "{'merge': 1}" },
		{ "invalid_params", "capture.merge",
		    "{'merge': true, 'stderr': false}" },
		{ "invalid_params", "capture",
		    "{'stdout': false, 'stderr': false}" },
		{ "invalid_params", "capture.events", "{'events': 'yes'}" },
		{ "invalid_params", "capture.bytes", "{'bytes': 0}" },
		{ "invalid_params", "capture.bytes", "{'bytes': -1}" },
		{ "invalid_params", "capture.bytes", "{'bytes': 1048577}" },
		{ "invalid_params", "capture.bytes", "{'bytes': '1'}" },
		{ "invalid_params", "capture.keep", "{'keep': 'all'}" },
		{ "invalid_params", "capture.keep", "{'keep': 1}" },
		{ "invalid_params", "capture.stdin", "{'stdin': true}" },
	};
	struct peer p;
	struct reply r;
	int null[2] = { 0, 0 };
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		refused(&p, cases[i].code, cases[i].key, "spawn",
		    "{'code': '1', 'capture': %s}", cases[i].capture);
	q = peer_send_fds(&p, "spawn", null, 2,
	    "{'code': '1', 'fds': [0, 2], 'capture': {}}");
	peer_response(&p, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "invalid_params");
	ck_assert_str_eq(str_at(&r, "key"), "capture");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { both_streams, isolated, one_stream,
		any_bytes, looked_at, grandchild_holds_it, spawns_that_fail,
		wrong_params, NULL };

	return harness_main("output", tests);
}
