/*
 * Children and zygotes that do not read what they are told: it costs the daemon
 * nothing, and they hear the last of it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/up.h"

#define CHANGES 2000   /* of a lease; some hundred fill a socket */
#define GROWTH_KB 4096 /* of the daemon; a word that waits takes a page */

static void
call(struct peer *p, const char *method, uint64_t id)
{
	struct reply r;

	ask(p, &r, method, "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
}

/* Its lease comes and goes, to end as LEASED. */
static void
change(struct peer *p, uint64_t id, bool leased)
{
	for (int i = 0; i < CHANGES; i++) {
		call(p, leased ? "detach" : "attach", id);
		call(p, leased ? "attach" : "detach", id);
	}
}

/* A sanitiser keeps for a while what is freed. */
static void
expect_growth(long before)
{
	if (!sanitised())
		ck_assert_int_lt(rss_kb(live.pid) - before, GROWTH_KB);
}

/*
 * One that only its zygote can end, as it hears nothing itself, and that is
 * leased in the end; and one that computes and is not.  The daemon's death shows
 * what they have heard.
 */
START_TEST(leases)
{
	struct peer p;
	struct reply r;
	struct up deaf, busy;
	pid_t zygote;
	long before;
	int status;

	live_start("[server]\nzygote_timeout = 0\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	zygote = live_zygote(&p);
	deaf = up_start(&p, ", 'detached': true, 'grace_ns': 1000000000",
	    "deaf");
	busy = up_start(&p, ", 'grace_ns': 100000000", "busy");
	ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
	ck_assert_int_eq(kill(busy.pid, SIGSTOP), 0);
	before = rss_kb(live.pid);
	change(&p, deaf.id, true);
	change(&p, busy.id, false);
	expect_growth(before);
	ck_assert_int_eq(kill(busy.pid, SIGCONT), 0);
	ck_assert_int_eq(kill(zygote, SIGCONT), 0);
	/* Both are up to date when they have answered what comes behind; the
	 * zygote's words wait for the first order to be written. */
	ask(&p, &r, "dump", "{'id': %ju, 'timeout_ns': 20000000000}",
	    (uintmax_t)busy.id);
	ck_assert_str_eq(str_at(&r, "stacks_by"), "python");
	reply_fini(&r);
	for (int i = 0; i < 2; i++) {
		run(&p, &r, "{'code': '1', 'start': 'warm'}");
		reply_fini(&r);
	}
	ck_assert_int_eq(live_zygote(&p), zygote);
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	ck_assert_str_eq(read_text(deaf.out, false), "");
	ck_assert_ptr_null(strchr("?Z", process_state(busy.pid)));
	kill(busy.pid, SIGKILL);
	live_no_process();
	close(deaf.out);
	close(busy.out);
	peer_close(&p);
}
END_TEST

/* Cancels, too; it ends by the first that it reads. */
START_TEST(cancels)
{
	struct peer p;
	struct reply r;
	struct up u;
	long before;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, ", 'grace_ns': 3600000000000", "clean_up");
	ck_assert_int_eq(kill(u.pid, SIGSTOP), 0);
	before = rss_kb(live.pid);
	for (int i = 0; i < 2 * CHANGES; i++)
		call(&p, "cancel", u.id);
	expect_growth(before);
	ck_assert_int_eq(kill(u.pid, SIGCONT), 0);
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { leases, cancels, NULL };

	return harness_main("unread", tests);
}
