/*
 * Drain: no more spawns, and the end with the last child, or at a deadline.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/up.h"

static void
ends_well(void)
{
	int status;

	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	ck_assert_int_eq(status, 0);
	live_no_process();
}

START_TEST(ends_with_the_last_child)
{
	struct peer p, q;
	struct reply r;
	struct up u, v;

	live_start_standbys(NULL);
	peer_open(&p);
	u = up_start(&p, "", "hang");
	v = up_start(&p, ", 'detached': true", "hang");
	ask(&p, &r, "drain", "{}");
	reply_fini(&r);
	peer_event(&p, "draining", &r);
	reply_fini(&r);
	/* It can be looked at, and connected to, but for spawns. */
	peer_open(&q);
	ask(&q, &r, "status", "{}");
	ck_assert_str_eq(str_at(&r, "state"), "draining");
	ck_assert_int_eq(int_at(&r, "children.running"), 2);
	reply_fini(&r);
	refused(&q, "draining", NULL, "spawn", "{'call': 'jobs:echo'}");
	refused(&q, "draining", NULL, "reload", "{}");
	ask(&q, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&q, u.id, &r);
	reply_fini(&r);
	ask(&q, &r, "ping", "{}");
	reply_fini(&r);
	ask(&q, &r, "cancel", "{'id': %ju}", (uintmax_t)v.id);
	reply_fini(&r);
	peer_closed(&q);
	peer_closed(&p);
	ends_well();
	close(u.out);
	close(v.out);
	peer_close(&p);
	peer_close(&q);
}
END_TEST

START_TEST(ends_at_once_where_there_is_none)
{
	struct peer p;
	struct reply r;

	live_start_standbys(NULL);
	peer_open(&p);
	ask(&p, &r, "drain", "{}");
	reply_fini(&r);
	peer_closed(&p);
	ends_well();
	peer_close(&p);
}
END_TEST

START_TEST(ends_at_a_deadline)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "clean_up");
	ask(&p, &r, "drain", "{'timeout_ns': 3600000000000}");
	reply_fini(&r);
	ask(&p, &r, "drain", "{'timeout_ns': 1000000}");
	reply_fini(&r);
	peer_event(&p, "exited", &r);
	ck_assert(bool_at(&r, "cancelled"));
	reply_fini(&r);
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	peer_closed(&p);
	ends_well();
	close(u.out);
	peer_close(&p);
}
END_TEST

START_TEST(a_signal_ends_it_sooner)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "clean_up");
	ask(&p, &r, "drain", "{}");
	reply_fini(&r);
	/* As the first one: with the child's grace. */
	ck_assert_int_eq(kill(live.pid, SIGTERM), 0);
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	peer_closed(&p);
	ends_well();
	close(u.out);
	peer_close(&p);
}
END_TEST

/* A reload that is under way has no end of its own any more. */
START_TEST(ends_a_reload)
{
	struct peer p, q;
	struct reply r;
	uint32_t id;
	bool coming = false;

	live_start(NULL);
	peer_open(&p);
	peer_open(&q);
	live_configure("[template.default]\npath = [\"%s\"]\n"
		       "preload = [\"hangs_at_import\"]\n");
	id = peer_send(&p, "reload", "{}");
	while (!coming) {
		ask(&q, &r, "templates", "{}");
		coming = has(&r, "templates.0.coming");
		reply_fini(&r);
	}
	ask(&q, &r, "drain", "{}");
	reply_fini(&r);
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "templates.0.error.code"), "draining");
	reply_fini(&r);
	peer_closed(&p);
	peer_closed(&q);
	ends_well();
	peer_close(&p);
	peer_close(&q);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { ends_with_the_last_child,
		ends_at_once_where_there_is_none, ends_at_a_deadline,
		a_signal_ends_it_sooner, ends_a_reload, NULL };

	return harness_main("drain", tests);
}
