/*
 * A zygote that stands still: asked, not answering, replaced.  It was ready, so
 * nothing but its silence tells.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"

#define SPAWNS 8
#define CONFIG \
	"[server]\nzygote_timeout = 0.5\n" \
	"[template.default]\npath = [\"%s\"]\npreload = [\"trio\", \"jobs\"]\n"

static void
echo(struct peer *p)
{
	struct reply r;

	ask(p, &r, "spawn", "{'call': 'jobs:echo'}");
	reply_fini(&r);
}

START_TEST(a_silent_zygote_is_replaced)
{
	struct peer p;
	struct reply r;
	pid_t zygote;

	live_start(CONFIG);
	peer_open(&p);
	ask(&p, &r, "subscribe", "{}");
	reply_fini(&r);
	zygote = live_zygote(&p);
	ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
	do {
		peer_event(&p, "template", &r);
		if (strcmp(str_at(&r, "state"), "ready") == 0)
			break;
		reply_fini(&r);
	} while (true);
	ck_assert_int_eq(int_at(&r, "generation"), 2);
	reply_fini(&r);
	ck_assert_int_ne(live_zygote(&p), zygote);
	echo(&p);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(no_spawn_is_lost_with_it)
{
	struct peer p;
	struct reply r;
	int started = 0;

	live_start(CONFIG);
	peer_open(&p);
	ck_assert_int_eq(kill(live_zygote(&p), SIGSTOP), 0);
	for (int i = 0; i < SPAWNS; i++)
		peer_send(&p, "spawn", "{'call': 'jobs:echo'}");
	while (started < SPAWNS) { /* in whatever order */
		peer_next(&p, &r);
		if (r.msg.type == MSG_RESPONSE) {
			ck_assert_int_eq(r.msg.error.type, MSGPACK_OBJECT_NIL);
			started++;
		}
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(its_children_outlive_it)
{
	struct peer p;
	struct reply r;
	uint64_t id;

	live_start(CONFIG);
	peer_open(&p);
	id = spawn(&p, "{'code': 'import signal; signal.pause()'}");
	ck_assert_int_eq(kill(live_zygote(&p), SIGSTOP), 0);
	echo(&p); /* by the next zygote */
	ask(&p, &r, "signal", "{'id': %ju, 'signal': %d}", (uintmax_t)id,
	    SIGTERM);
	reply_fini(&r);
	wait_end(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGTERM);
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Longer than it has. */
START_TEST(one_that_answers_lives)
{
	struct peer p;
	struct reply r;
	pid_t zygote;
	uint64_t id;

	live_start("[server]\nzygote_timeout = 1.0\n"
		   "[template.default]\npath = [\"%s\"]\n"
		   "preload = [\"trio\", \"jobs\"]\n");
	peer_open(&p);
	zygote = live_zygote(&p);
	id = spawn(&p, "{'code': 'import time; time.sleep(3)'}");
	wait_end(&p, id, &r);
	reply_fini(&r);
	ck_assert_int_eq(live_zygote(&p), zygote);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_silent_zygote_is_replaced,
		no_spawn_is_lost_with_it, its_children_outlive_it,
		one_that_answers_lives, NULL };

	return harness_main("pulse", tests);
}
