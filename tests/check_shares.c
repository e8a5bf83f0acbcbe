/*
 * What one user may take of the daemon: each share is reached, answered with
 * what is exhausted, and free again; others are served meanwhile.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/guise.h"
#include "tests/template.h"
#include "tests/up.h"

#define ALICE 1001
#define BOB 1002

#define SERVER "[server]\nmode = \"0666\"\nallow_users = [\"*\"]\n"
#define TEMPLATE \
	"[template.default]\nuser = \"games\"\npath = [\"%s\"]\n" \
	"preload = [\"trio\", \"jobs\"]\n"

static void
expect_exhausted(struct peer *p, uint32_t id, const char *code,
    const char *resource)
{
	struct reply r;

	peer_response(p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), code);
	ck_assert_str_eq(str_at(&r, "resource"), resource);
	ck_assert_int_gt(int_at(&r, "retry_ns"), 0);
	reply_fini(&r);
}

static int64_t
taken(struct peer *p, const char *what)
{
	char path[48];
	struct reply r;
	int64_t n;

	snprintf(path, sizeof(path), "user.%s", what);
	ask(p, &r, "status", "{}");
	n = int_at(&r, path);
	reply_fini(&r);
	return n;
}

START_TEST(connections)
{
	struct peer a[2], more, b;
	struct reply r;
	bool again = false;
	uint32_t id;

	guise_start(SERVER "user_clients = 2\n");
	guise_open(&a[0], ALICE, ALICE, 0);
	guise_open(&a[1], ALICE, ALICE, 0);
	ask(&a[1], &r, "hello", "{}");
	ck_assert_int_eq(int_at(&r, "limits.user_clients"), 2);
	reply_fini(&r);
	guise_open(&more, ALICE, ALICE, 0);
	expect_exhausted(&more, peer_send(&more, "ping", "{}"), "limit",
	    "clients");
	peer_closed(&more);
	peer_close(&more);
	guise_open(&b, BOB, BOB, 0);
	ck_assert_int_eq(taken(&b, "clients"), 1);
	peer_close(&a[0]);
	/* As soon as the daemon has met its end. */
	while (!again) {
		guise_open(&more, ALICE, ALICE, 0);
		id = peer_send(&more, "ping", "{}");
		peer_response(&more, id, &r);
		again = !has(&r, "code");
		reply_fini(&r);
		peer_close(&more);
	}
	peer_close(&a[1]);
	peer_close(&b);
	live_stop();
}
END_TEST

START_TEST(children)
{
	struct peer a, b, root;
	struct reply r;
	struct up u[2], other;

	guise_start(SERVER "user_children = 2\n" TEMPLATE);
	peer_open(&root);
	guise_open(&a, ALICE, ALICE, 0);
	guise_open(&b, BOB, BOB, 0);
	u[0] = up_start(&a, "", "hang");
	u[1] = up_start(&a, "", "hang");
	ck_assert_int_eq(taken(&a, "children"), 2);
	expect_exhausted(&a, peer_send(&a, "spawn", "{'code': 'pass'}"),
	    "limit", "children");
	other = up_start(&b, "", "hang");
	/* Root has no share. */
	for (int i = 0; i < 3; i++)
		spawn(&root, "{'call': 'jobs:hang'}");
	ask(&a, &r, "kill", "{'id': %ju}", (uintmax_t)u[0].id);
	reply_fini(&r);
	wait_end(&a, u[0].id, &r);
	reply_fini(&r);
	template_echo(&a, "");
	ck_assert_int_eq(taken(&a, "children"), 1);
	peer_close(&a);
	peer_close(&b);
	peer_close(&root);
	close(u[0].out);
	close(u[1].out);
	close(other.out);
	live_stop();
}
END_TEST

START_TEST(starting)
{
	struct peer a, b;

	guise_start(SERVER "user_starting = 2\n" TEMPLATE
			   "[template.hangs]\nuser = \"games\"\n"
			   "path = [\"%s\"]\nstart = \"demand\"\n"
			   "preload = [\"hangs_at_import\"]\n");
	guise_open(&a, ALICE, ALICE, 0);
	guise_open(&b, BOB, BOB, 0);
	for (int i = 0; i < 2; i++)
		peer_send(&a, "spawn", "{'code': 'pass', 'template': 'hangs'}");
	expect_exhausted(&a, peer_send(&a, "spawn", "{'code': 'pass'}"),
	    "limit", "starting");
	template_echo(&b, "");
	/* Given up, they make room. */
	peer_close(&a);
	guise_open(&a, ALICE, ALICE, 0);
	while (taken(&a, "starting") > 0)
		;
	template_echo(&a, "");
	peer_close(&a);
	peer_close(&b);
	kill(live.pid, SIGKILL);
	live_no_process();
}
END_TEST

START_TEST(requests)
{
	struct peer a, b;
	struct reply r;
	struct up u;
	uint32_t first;

	guise_start(SERVER "user_requests = 2\n" TEMPLATE);
	guise_open(&a, ALICE, ALICE, 0);
	guise_open(&b, BOB, BOB, 0);
	u = up_start(&a, "", "hang");
	first = peer_send(&a, "wait", "{'id': %ju}", (uintmax_t)u.id);
	peer_send(&a, "wait", "{'id': %ju}", (uintmax_t)u.id);
	expect_exhausted(&a, peer_send(&a, "ping", "{}"), "limit", "requests");
	/* Refused with its descriptors, the connection goes on. */
	expect_exhausted(&a,
	    peer_send_fds(&a, "spawn", &u.out, 1,
		"{'code': 'pass', 'fds': [0]}"),
	    "limit", "requests");
	template_echo(&b, "");
	ck_assert_int_eq(kill(u.pid, SIGKILL), 0);
	peer_response(&a, first, &r);
	reply_fini(&r);
	ask(&a, &r, "ping", "{}");
	reply_fini(&r);
	close(u.out);
	peer_close(&a);
	peer_close(&b);
	live_stop();
}
END_TEST

START_TEST(rate_of_spawns)
{
	struct peer a, b;

	guise_start(SERVER "user_spawn_rate = 1\n" TEMPLATE);
	guise_open(&a, ALICE, ALICE, 0);
	guise_open(&b, BOB, BOB, 0);
	peer_send(&a, "spawn", "{'code': 'pass'}");
	expect_exhausted(&a, peer_send(&a, "spawn", "{'code': 'pass'}"),
	    "limit", "spawns");
	/* A new connection has the same past. */
	peer_close(&a);
	guise_open(&a, ALICE, ALICE, 0);
	expect_exhausted(&a, peer_send(&a, "spawn", "{'code': 'pass'}"),
	    "limit", "spawns");
	template_echo(&b, "");
	peer_close(&a);
	peer_close(&b);
	live_stop();
}
END_TEST

/* Frames without an end, over several connections: the last one pays. */
START_TEST(buffered_bytes)
{
	static const uint8_t begin[] = { 0x94, 0, 1, 0xa4, 'p', 'i', 'n', 'g',
		0x91, 0x81, 0xa1, 'x', 0xc6, 0, 0xf0, 0, 0 };
	static uint8_t piece[1 << 20];
	struct peer a[4], b;
	struct reply r;

	guise_start(SERVER "user_buffered = 4194304\n");
	guise_open(&b, BOB, BOB, 0);
	for (int i = 0; i < 4; i++) {
		guise_open(&a[i], ALICE, ALICE, 0);
		peer_raw(&a[i], begin, sizeof(begin));
		if (i < 3)
			peer_raw(&a[i], piece, sizeof(piece));
	}
	while (taken(&b, "clients") == 1) {
		peer_raw(&a[3], piece, 65536);
		ask(&b, &r, "status", "{}");
		bool gone = int_at(&r, "clients") < 5;
		reply_fini(&r);
		if (gone)
			break;
	}
	ask(&b, &r, "ping", "{}");
	reply_fini(&r);
	for (int i = 0; i < 4; i++)
		peer_close(&a[i]);
	peer_close(&b);
	live_stop();
}
END_TEST

/* One who asks for many waits for himself: another's is forked in between. */
START_TEST(in_turn)
{
	enum { MANY = 40, AHEAD = 8 };
	struct peer a, b;
	struct reply r;
	uint32_t id;
	pid_t zygote, pid;
	int before = 0;

	guise_start(SERVER TEMPLATE);
	guise_open(&a, ALICE, ALICE, 0);
	guise_open(&b, BOB, BOB, 0);
	zygote = template_int(&a, "default", "pid");
	ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
	for (int i = 0; i < MANY; i++)
		peer_send(&a, "spawn", "{'call': 'jobs:hang'}");
	ask(&a, &r, "ping", "{}");
	reply_fini(&r);
	id = peer_send(&b, "spawn", "{'call': 'jobs:hang'}");
	ask(&b, &r, "ping", "{}");
	reply_fini(&r);
	ck_assert_int_eq(kill(zygote, SIGCONT), 0);
	peer_response(&b, id, &r);
	pid = int_at(&r, "pid");
	reply_fini(&r);
	for (int i = 0; i < MANY; i++) {
		peer_next(&a, &r);
		ck_assert(r.msg.type == MSG_RESPONSE);
		before += int_at(&r, "pid") < pid;
		reply_fini(&r);
	}
	/* Those that the zygote had already, and one in turn. */
	ck_assert_int_le(before, AHEAD + 1);
	peer_close(&a);
	peer_close(&b);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { connections, children, starting,
		requests, rate_of_spawns, buffered_bytes, in_turn, NULL };

	return harness_main("shares", tests);
}
