/*
 * What a child has started itself: which of it ends with the child.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/den.h"
#include "tests/harness.h"
#include "tests/standbys.h"

/* Also where the child ends well within its grace. */
START_TEST(group_goes_with_a_cancel)
{
	struct peer p;
	struct reply r;
	struct den d;

	live_start(NULL);
	peer_open(&p);
	d = den(&p, SHORT);
	den_end(&p, &d, "cancel", &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	ck_assert(!bool_at(&r, "killed"));
	reply_fini(&r);
	process_gone(d.group);
	lives_on(d.session);
	close(d.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(group_goes_with_a_kill)
{
	struct peer p;
	struct reply r;
	struct den d;

	live_start(NULL);
	peer_open(&p);
	d = den(&p, SHORT);
	den_end(&p, &d, "kill", &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	process_gone(d.group);
	lives_on(d.session);
	close(d.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The rest of the grace is for what is left, and not longer than it takes. */
START_TEST(group_is_told_first)
{
	struct peer p;
	struct reply r;
	uint64_t id;
	uint32_t q;
	int out[2];

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(&p, "spawn", &out[1], 1,
	    "{'call': 'leaves:polite', 'fds': [1], 'grace_ns': "
	    "3600000000000}");
	close(out[1]);
	peer_response(&p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	ck_assert_str_eq(read_text(out[0], true), "up\n");
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	wait_end(&p, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	ck_assert_str_eq(read_text(out[0], false), "bye\n");
	close(out[0]);
	peer_close(&p);
	/* The drain has no hour to wait for. */
	live_stop();
}
END_TEST

/* A daemon that shuts down sees it through. */
START_TEST(group_goes_with_a_drain)
{
	struct peer p;
	struct reply r;
	struct den d;

	live_start(NULL);
	peer_open(&p);
	d = den(&p, SHORT);
	den_end(&p, &d, "cancel", &r);
	reply_fini(&r);
	ck_assert_ptr_null(strchr("?Z", process_state(d.group)));
	ck_assert_int_eq(kill(d.session, SIGKILL), 0);
	peer_close(&p);
	live_stop();
	ck_assert_int_eq(process_state(d.group), '?');
	close(d.out);
}
END_TEST

/* An hour is not waited for when there is none any more. */
START_TEST(what_is_left_can_be_killed)
{
	struct peer p;
	struct reply r;
	struct den d;

	live_start(NULL);
	peer_open(&p);
	d = den(&p, ", 'grace_ns': 3600000000000");
	den_end(&p, &d, "cancel", &r);
	reply_fini(&r);
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)d.id);
	reply_fini(&r);
	process_gone(d.group);
	refused(&p, "not_running", NULL, "kill", "{'id': %ju}",
	    (uintmax_t)d.id);
	lives_on(d.session);
	close(d.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(shutdown_shortens_what_is_left)
{
	struct peer p;
	struct reply r;
	struct den d;
	int status;

	live_start("[server]\ndrain_timeout = 3600.0\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	d = den(&p, ", 'grace_ns': 3600000000000");
	den_end(&p, &d, "cancel", &r);
	reply_fini(&r);
	lives_on(d.session);
	ask(&p, &r, "shutdown", "{'grace_ns': 0}");
	reply_fini(&r);
	peer_closed(&p);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	ck_assert_int_eq(status, 0);
	live_no_process();
	ck_assert_int_eq(process_state(d.group), '?');
	close(d.out);
	peer_close(&p);
}
END_TEST

/* The child is gone by the time that the daemon hears of it: the zygote, which
 * would have reaped it, is stopped and then killed. */
START_TEST(group_goes_without_a_zygote)
{
	struct peer p;
	struct reply r;
	struct den d;
	pid_t zygote;

	live_start(NULL);
	peer_open(&p);
	d = den(&p, SHORT);
	zygote = live_zygote(&p);
	ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)d.id);
	reply_fini(&r);
	process_gone(d.pid);
	ck_assert_int_eq(kill(zygote, SIGKILL), 0);
	wait_end(&p, d.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	process_gone(d.group);
	lives_on(d.session);
	close(d.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* As under python: it has not been told to end. */
START_TEST(group_stays_behind_one_that_ends_itself)
{
	struct peer p;
	struct reply r;
	struct den d;

	live_start(NULL);
	peer_open(&p);
	d = den_of_one(&p, false, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	reply_fini(&r);
	lives_on(d.group);
	close(d.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The zygote sees to it. */
/* The zygote hears of both ends at once. */
START_TEST(group_goes_when_the_daemon_dies_first)
{
	struct peer p;
	struct den leased;
	pid_t zygote;
	int status;

	live_start(NULL);
	peer_open(&p);
	leased = den(&p, SHORT);
	zygote = live_zygote(&p);
	standby_stop(zygote);
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	process_gone(leased.pid);
	kill(zygote, SIGCONT);
	process_gone(leased.group);
	lives_on(leased.session);
	live_no_process();
	close(leased.out);
	peer_close(&p);
}
END_TEST

START_TEST(group_goes_when_the_daemon_dies)
{
	struct peer p;
	struct den leased, detached;
	int status;

	live_start(NULL);
	peer_open(&p);
	leased = den(&p, SHORT);
	detached = den(&p, ", 'detached': true");
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	process_gone(leased.pid);
	process_gone(leased.group);
	lives_on(leased.session);
	lives_on(detached.group);
	lives_on(detached.session);
	lives_on(detached.pid);
	live_no_process();
	close(leased.out);
	close(detached.out);
	peer_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { group_goes_with_a_cancel,
		group_goes_with_a_kill, group_is_told_first,
		group_goes_with_a_drain, what_is_left_can_be_killed,
		shutdown_shortens_what_is_left, group_goes_without_a_zygote,
		group_stays_behind_one_that_ends_itself,
		group_goes_when_the_daemon_dies,
		group_goes_when_the_daemon_dies_first, NULL };

	return harness_main("whole", tests);
}
