/*
 * Spawns that the daemon reads in one turn of its loop are one message to the
 * zygote, and each is still its own.
 */
#include <signal.h>
#include <stdlib.h>

#include "tests/harness.h"
#include "tests/lit.h"
#include "tests/standbys.h"
#include "tests/template.h"

#define CLIENTS 4
#define EACH 2 /* spawns of these */
#define MANY 20

/* How many forks were ordered, and in how many messages. */
static void
ordered(struct peer *p, int64_t *forks, int64_t *orders)
{
	struct reply r;

	ask(p, &r, "status", "{}");
	*forks = int_at(&r, "forks");
	*orders = int_at(&r, "orders");
	reply_fini(&r);
}

/* N spawns are answered with children that run, and are killed. */
static void
started(struct peer *p, int n)
{
	uint64_t ids[MANY];
	struct reply r;

	for (int i = 0; i < n; i++) {
		peer_next(p, &r);
		ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
		ck_assert_int_eq(r.msg.error.type, MSGPACK_OBJECT_NIL);
		ck_assert_int_gt(int_at(&r, "phases.queue_ns"), 0);
		ids[i] = (uint64_t)int_at(&r, "id");
		reply_fini(&r);
	}
	for (int i = 0; i < n; i++) {
		ask(p, &r, "kill", "{'id': %ju}", (uintmax_t)ids[i]);
		reply_fini(&r);
	}
	for (int i = 0; i < n; i++) {
		wait_end(p, ids[i], &r);
		reply_fini(&r);
	}
}

/* What N clients send is read in one turn: EACH spawns of each. */
static void
ask_at_once(struct peer *p, int n, int each)
{
	standby_stop(live.pid);
	for (int k = 0; k < each; k++)
		for (int i = 0; i < n; i++)
			peer_send(&p[i], "spawn", "{'call': 'jobs:hang'}");
	ck_assert_int_eq(kill(live.pid, SIGCONT), 0);
}

START_TEST(of_one_write)
{
	static const char *const requests[][2] = {
		{ "spawn", "{'call': 'jobs:hang'}" },
		{ "spawn", "{'call': 'jobs:hang'}" },
		{ "spawn", "{'call': 'jobs:hang'}" },
		{ "cancel", "{'id': 2}" },
		{ "inspect", "{'id': 3}" },
		{ "spawn", "{'call': 'jobs:hang'}" },
	};
	enum { N = sizeof(requests) / sizeof(*requests) };
	int64_t forks, orders;
	struct msg_out o;
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	msg_out_init(&o);
	for (int i = 0; i < N; i++) {
		msg_begin_request(&o, ++p.id, requests[i][0]);
		lit_pack(&o.pk, requests[i][1]);
	}
	peer_raw(&p, o.buf.data, o.buf.size);
	msg_out_fini(&o);
	/* Those that need no fork are answered first. */
	peer_next(&p, &r);
	ck_assert_uint_eq(r.msg.id, 2);
	ck_assert_str_eq(str_at(&r, "code"), "child_died");
	reply_fini(&r);
	peer_response(&p, 5, &r);
	ck_assert_str_eq(str_at(&r, "state"), "queued");
	reply_fini(&r);
	started(&p, 3);
	ordered(&p, &forks, &orders);
	ck_assert_int_eq(forks, 3);
	ck_assert_int_eq(orders, 1);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(of_several_clients)
{
	struct peer p[CLIENTS];
	int64_t forks, orders;

	live_start(NULL);
	for (int i = 0; i < CLIENTS; i++)
		peer_open(&p[i]);
	ask_at_once(p, CLIENTS, EACH);
	for (int i = 0; i < CLIENTS; i++)
		started(&p[i], EACH);
	ordered(&p[0], &forks, &orders);
	ck_assert_int_eq(forks, CLIENTS * EACH);
	ck_assert_int_eq(orders, 1);
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&p[i]);
	live_stop();
}
END_TEST

/* The zygote gets the next ones when half of its eight are done. */
START_TEST(of_more_than_it_may_have)
{
	int64_t forks, orders;
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	ask_at_once(&p, 1, MANY);
	started(&p, MANY);
	ordered(&p, &forks, &orders);
	ck_assert_int_eq(forks, MANY);
	ck_assert_int_le(orders, 4);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Who asks for one when nobody else does waits for nobody else. */
START_TEST(of_one)
{
	int64_t forks, orders;
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	for (int i = 1; i <= 3; i++) {
		template_echo(&p, "");
		ordered(&p, &forks, &orders);
		ck_assert_int_eq(forks, i);
		ck_assert_int_eq(orders, i);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* It dies with the message unread: the next one has them all. */
START_TEST(of_a_dead_zygote)
{
	int64_t forks, orders;
	struct peer p;
	struct reply r;
	pid_t zygote;

	live_start(NULL);
	peer_open(&p);
	zygote = template_int(&p, "default", "pid");
	standby_stop(zygote);
	ask_at_once(&p, 1, EACH);
	do {
		ask(&p, &r, "status", "{}");
		orders = int_at(&r, "orders");
		reply_fini(&r);
	} while (orders == 0);
	ck_assert_int_eq(kill(zygote, SIGKILL), 0);
	started(&p, EACH);
	ordered(&p, &forks, &orders);
	ck_assert_int_eq(forks, 2 * EACH);
	ck_assert_int_eq(orders, 2);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	/* It is about forks. */
	unsetenv("FORKSERVERD_STANDBYS");
	const TTest *const tests[] = { of_one_write, of_several_clients,
		of_more_than_it_may_have, of_one, of_a_dead_zygote, NULL };

	return harness_main("batch", tests);
}
