/*
 * What a child has started itself: which of it ends with the child.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"

/* A child of leaves.py, and the processes that it has started. */
struct den {
	uint64_t id;
	pid_t pid, group, session; /* in its group, in one of its own */
	int out;
};

static struct den
den(struct peer *p, const char *extra)
{
	struct den d;
	struct reply r;
	pid_t one, two;
	int out[2];
	uint32_t q;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(p, "spawn", &out[1], 1,
	    "{'call': 'leaves:two', 'fds': [1]%s}", extra);
	close(out[1]);
	peer_response(p, q, &r);
	d.id = int_at(&r, "id");
	d.pid = int_at(&r, "pid");
	d.out = out[0];
	reply_fini(&r);
	one = atoi(read_text(d.out, true));
	two = atoi(read_text(d.out, true));
	ck_assert(one > 0 && two > 0);
	d.group = getpgid(one) == d.pid ? one : two;
	d.session = d.group == one ? two : one;
	ck_assert_int_eq(getpgid(d.group), d.pid);
	ck_assert_int_eq(getsid(d.session), d.session);
	return d;
}

static void
end(struct peer *p, struct den *d, const char *method, struct reply *r)
{
	ask(p, r, method, "{'id': %ju}", (uintmax_t)d->id);
	reply_fini(r);
	wait_end(p, d->id, r);
}

static void
lives(pid_t pid)
{
	ck_assert_ptr_null(strchr("?Z", process_state(pid)));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	process_gone(pid);
}

/* Also where the child ends well within its grace. */
START_TEST(group_goes_with_a_cancel)
{
	struct peer p;
	struct reply r;
	struct den d;

	live_start(NULL);
	peer_open(&p);
	d = den(&p, "");
	end(&p, &d, "cancel", &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	ck_assert(!bool_at(&r, "killed"));
	reply_fini(&r);
	process_gone(d.group);
	lives(d.session);
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
	d = den(&p, "");
	end(&p, &d, "kill", &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	process_gone(d.group);
	lives(d.session);
	close(d.out);
	peer_close(&p);
	live_stop();
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
	d = den(&p, "");
	ask(&p, &r, "templates", "{}");
	zygote = int_at(&r, "templates.0.pid");
	reply_fini(&r);
	ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)d.id);
	reply_fini(&r);
	process_gone(d.pid);
	ck_assert_int_eq(kill(zygote, SIGKILL), 0);
	wait_end(&p, d.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	process_gone(d.group);
	lives(d.session);
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
	uint32_t q;
	uint64_t id;
	int out[2];
	pid_t left;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(&p, "spawn", &out[1], 1,
	    "{'call': 'leaves:at_once', 'args': [false], 'fds': [1]}");
	close(out[1]);
	peer_response(&p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	wait_end(&p, id, &r);
	left = atoi(read_text(out[0], true));
	ck_assert_int_eq(getpgid(left), int_at(&r, "pid"));
	reply_fini(&r);
	lives(left);
	close(out[0]);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The zygote sees to it. */
START_TEST(group_goes_when_the_daemon_dies)
{
	struct peer p;
	struct den leased, detached;
	int status;

	live_start(NULL);
	peer_open(&p);
	leased = den(&p, "");
	detached = den(&p, ", 'detached': true");
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	process_gone(leased.pid);
	process_gone(leased.group);
	lives(leased.session);
	lives(detached.group);
	lives(detached.session);
	lives(detached.pid);
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
		group_goes_with_a_kill, group_goes_without_a_zygote,
		group_stays_behind_one_that_ends_itself,
		group_goes_when_the_daemon_dies, NULL };

	return harness_main("whole", tests);
}
