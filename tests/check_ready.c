/*
 * Spawns that are answered when the child says that it is ready.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"

/* A child that was spawned and not waited for. */
struct asked {
	uint32_t request;
	int hold; /* closed, it ends the wait of the child */
};

/* Spawns `readies:FN` with descriptor 5, whose end it may wait for. */
static struct asked
ask_for(struct peer *p, const char *fn, const char *args, const char *more)
{
	struct asked a;
	int pipefd[2];

	ck_assert_int_eq(pipe(pipefd), 0);
	a.request = peer_send_fds(p, "spawn", pipefd, 1,
	    "{'call': 'readies:%s', 'args': %s, 'fds': [5], %s}", fn, args,
	    more);
	a.hold = pipefd[1];
	close(pipefd[0]);
	return a;
}

/* Kills the child ID and takes its record. */
static void
end(struct peer *p, uint64_t id)
{
	struct reply r;

	ask(p, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	wait_end(p, id, &r);
	reply_fini(&r);
}

/* In every mode, warm and cold, its value is in the answer. */
static void
expect_value(struct peer *p, const char *more)
{
	struct reply r;
	struct asked a = ask_for(p, "told", "[[1, 'two'], 5]", more);
	uint64_t id;

	peer_response(p, a.request, &r);
	ck_assert_int_eq(int_at(&r, "value.0"), 1);
	ck_assert_str_eq(str_at(&r, "value.1"), "two");
	ck_assert_int_ge(int_at(&r, "phases.ready_ns"), 0);
	id = int_at(&r, "id");
	reply_fini(&r);
	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert(bool_at(&r, "ready"));
	ck_assert_str_eq(str_at(&r, "state"), "running");
	reply_fini(&r);
	close(a.hold);
	wait_end(p, id, &r);
	ck_assert(bool_at(&r, "result"));
	reply_fini(&r);
}

static void
expect_notified(struct peer *p, const char *more)
{
	struct reply r;
	struct asked a = ask_for(p, "notified",
	    "[['STATUS=half\nX=1', 'READY=1\nSTATUS=\xc3\xa4ll'], 5]", more);
	uint64_t id;

	peer_response(p, a.request, &r);
	id = int_at(&r, "id");
	ck_assert(!has(&r, "value"));
	reply_fini(&r);
	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert(bool_at(&r, "ready"));
	ck_assert_str_eq(str_at(&r, "status"), "\xc3\xa4ll");
	reply_fini(&r);
	close(a.hold);
	wait_end(p, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	reply_fini(&r);
	/* Its last words, too. */
	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "status"), "ending");
	reply_fini(&r);
}

START_TEST(legacy)
{
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	expect_value(&p, "'ready': 'told'");
	expect_value(&p, "'ready': 'told', 'detached': true, 'env': {}");
	expect_value(&p, "'ready': 'told', 'start': 'cold'");
	expect_notified(&p, "'ready': 'notify'");
	expect_notified(&p,
	    "'ready': 'notify', 'env': {'NOTIFY_SOCKET': '/x'}");
	expect_notified(&p, "'ready': 'notify', 'start': 'cold'");
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
	expect_value(&p, "'ready': 'told'");
	expect_notified(&p, "'ready': 'notify'");
	peer_close(&p);
	live_stop();
}
END_TEST

/* No answer and no event before; the child is there meanwhile. */
START_TEST(not_yet)
{
	struct peer p, other;
	struct asked a;
	struct reply r;
	uint64_t id;
	bool running;

	live_start(NULL);
	peer_open(&p);
	peer_open(&other);
	ask(&other, &r, "subscribe", "{'output': true}");
	reply_fini(&r);
	a = ask_for(&p, "told_when", "[5]",
	    "'ready': 'told', 'capture': {'events': true}");
	do {
		/* On the spawn's own connection: it is read after that. */
		ask(&p, &r, "inspect", "{'id': 1}");
		running = strcmp(str_at(&r, "state"), "running") == 0 &&
		    int_at(&r, "output.stdout.bytes") == 8;
		ck_assert(!bool_at(&r, "ready"));
		reply_fini(&r);
	} while (!running);
	close(a.hold);
	peer_next(&p, &r);
	ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
	ck_assert_uint_eq(r.msg.id, a.request);
	id = int_at(&r, "id");
	reply_fini(&r);
	peer_next(&p, &r);
	ck_assert_str_eq(r.msg.method, "output");
	ck_assert_int_eq(int_at(&r, "offset"), 0);
	reply_fini(&r);
	peer_event(&p, "exited", &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
	reply_fini(&r);
	peer_next(&other, &r);
	ck_assert_str_eq(r.msg.method, "started");
	ck_assert(bool_at(&r, "ready"));
	reply_fini(&r);
	peer_event(&other, "exited", &r);
	reply_fini(&r);
	peer_close(&p);
	peer_close(&other);
	live_stop();
}
END_TEST

/* In whatever way it is told, and however soon it ends then. */
START_TEST(told_somehow)
{
	struct peer p;
	struct reply r;
	uint32_t q;
	uint64_t id;

	live_start(NULL);
	peer_open(&p);
	q = peer_send(&p, "spawn",
	    "{'call': 'readies:told_by_trio', 'ready': 'told'}");
	peer_response(&p, q, &r);
	ck_assert_str_eq(str_at(&r, "value"), "from a thread");
	id = int_at(&r, "id");
	reply_fini(&r);
	end(&p, id);
	q = peer_send(&p, "spawn",
	    "{'call': 'readies:notified_by_another', 'ready': 'notify'}");
	peer_response(&p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "status"), "by another");
	reply_fini(&r);
	end(&p, id);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(run(&p, &r,
				     "{'call': 'readies:told_and_over',"
				     " 'args': [%d], 'ready': 'told'}",
				     i),
		    0);
		reply_fini(&r);
		ck_assert_int_eq(
		    run(&p, &r,
			"{'call': 'readies:notified_and_over',"
			" 'args': ['READY=1'], 'ready': 'notify'}"),
		    0);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(told_wrongly)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	run(&p, &r, "{'call': 'readies:told_wrongly', 'ready': 'told'}");
	ck_assert(strncmp(str_at(&r, "result.0"), "ValueError: ", 12) == 0);
	ck_assert(strncmp(str_at(&r, "result.1"), "ValueError: ", 12) == 0);
	ck_assert_str_eq(str_at(&r, "result.2"),
	    "RuntimeError: the daemon is not heard here");
	ck_assert(bool_at(&r, "result.3"));
	ck_assert_str_eq(str_at(&r, "result.4"),
	    "RuntimeError: ready() was called before");
	reply_fini(&r);
	/* Nobody waits for it. */
	run(&p, &r, "{'call': '_forkserverd:ready', 'args': [1]}");
	ck_assert(!bool_at(&r, "result"));
	reply_fini(&r);
	run(&p, &r, "{'call': 'readies:notify_socket'}");
	ck_assert(at(&r, "result")->type == MSGPACK_OBJECT_NIL);
	reply_fini(&r);
	run(&p, &r,
	    "{'call': 'readies:notify_socket', 'env': {'NOTIFY_SOCKET': '/x'}}");
	ck_assert_str_eq(str_at(&r, "result"), "/x");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Datagrams that are nonsense, too long, or cut in a character. */
START_TEST(notified_wrongly)
{
	char text[1100] = "STATUS=", want[1024] = "";
	struct peer p;
	struct reply r;
	struct asked a;
	uint64_t id;

	for (int i = 0; i < 341; i++) {
		strcat(text, "\xe2\x82\xac");
		strcat(want, "\xe2\x82\xac");
	}
	strcat(text, "\xe2\x82\xac");
	live_start(NULL);
	peer_open(&p);
	a = ask_for(&p, "notified",
	    "[['', x'00ff', '=', 'READY=0', 'READY=11', x'0a0a', 'READY=1'], 5]",
	    "'ready': 'notify'");
	peer_response(&p, a.request, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert(!has(&r, "status"));
	reply_fini(&r);
	close(a.hold);
	wait_end(&p, id, &r);
	reply_fini(&r);
	run(&p, &r,
	    "{'call': 'readies:notified_too_much', 'ready': 'notify',"
	    " 'args': ['%s']}",
	    text);
	id = int_at(&r, "id");
	reply_fini(&r);
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "status"), want);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Who ends before that has failed, and the answer says why. */
START_TEST(never)
{
	struct peer p;
	struct reply r;
	uint32_t q;
	struct asked a;

	live_start(NULL);
	peer_open(&p);
	q = peer_send(&p, "spawn",
	    "{'call': 'readies:raises', 'ready': 'notify', 'capture': {}}");
	peer_response(&p, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "child_died");
	ck_assert_int_eq(int_at(&r, "exit_code"), 1);
	ck_assert_str_eq(str_at(&r, "exception.type"), "ValueError");
	ck_assert_str_eq(str_at(&r, "exception.message"), "not ready for this");
	q = int_at(&r, "id");
	reply_fini(&r);
	wait_end(&p, q, &r);
	ck_assert_int_gt(int_at(&r, "output.stderr.bytes"), 0);
	reply_fini(&r);
	refused(&p, "child_died", NULL, "spawn",
	    "{'code': '1', 'ready': 'told'}");
	refused(&p, "child_died", NULL, "spawn",
	    "{'call': 'jobs:dies', 'args': [9], 'ready': 'told'}");
	refused(&p, "timeout", NULL, "spawn",
	    "{'call': 'jobs:deaf', 'ready': 'told',"
	    " 'start_timeout_ns': 300000000}");
	refused(&p, "timeout", NULL, "spawn",
	    "{'call': 'jobs:deaf', 'ready': 'notify',"
	    " 'start_timeout_ns': 300000000}");
	refused(&p, "import_failed", NULL, "spawn",
	    "{'call': 'readies:no', 'ready': 'notify'}");
	/* The client goes: so does the child. */
	a = ask_for(&p, "told_when", "[5]", "'ready': 'told'");
	close(a.hold);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(wrong_params)
{
	static const char *const values[] = { "true", "1", "''", "'ready'",
		"'STARTED'", "['told']" };
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		refused(&p, "invalid_params", "ready", "spawn",
		    "{'code': '1', 'ready': %s}", values[i]);
	refused(&p, "invalid_params", "notify", "spawn",
	    "{'code': '1', 'notify': '/x'}");
	ck_assert_int_eq(run(&p, &r, "{'code': '1', 'ready': 'started'}"), 0);
	ck_assert(!has(&r, "phases.ready_ns"));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { legacy, isolated, not_yet, told_somehow,
		told_wrongly, notified_wrongly, never, wrong_params, NULL };

	return harness_main("ready", tests);
}
