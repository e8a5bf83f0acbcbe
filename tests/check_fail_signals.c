/*
 * Known ways to fail: children that hear nothing, or nobody hears.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proto/clock.h"
#include "tests/harness.h"
#include "tests/hired.h"
#include "tests/modes.h"
#include "tests/procfs.h"

#define MANY 25

static void
interrupted(const struct reply *r)
{
	ck_assert_int_eq(int_at(r, "signal"), SIGINT);
	ck_assert_str_eq(str_at(r, "exception.type"), "KeyboardInterrupt");
	ck_assert(!bool_at(r, "killed"));
}

static void
ended_in_its_grace(const struct reply *r)
{
	ck_assert(bool_at(r, "cancelled"));
	ck_assert_msg(!bool_at(r, "killed"), "it was killed");
}

static void
was_killed(const struct reply *r)
{
	ck_assert(bool_at(r, "cancelled") && bool_at(r, "killed"));
	ck_assert_int_eq(int_at(r, "signal"), SIGKILL);
}

static void
did_end(const struct reply *r)
{
	ck_assert(has(r, "signal") || has(r, "exit_code"));
}

static const char *
params(const char *mode, const char *call, const char *more)
{
	char *s;

	ck_assert(asprintf(&s, "'template': '%s', 'call': '%s'%s", mode, call,
		      more) > 0);
	return kept(s);
}

/*
 * 1. A subinterpreter's thread that was abandoned starves the main loop of the
 * GIL, the signal wakeup pipe fills up (EAGAIN), and SIGINT is dropped in
 * silence.  Here: 25 children that compute, or whose abandoned thread does,
 * and one SIGINT for each; and one for the client, which ends of it.
 */
START_TEST(fail_1_starved_of_the_gil)
{
	static const char *const calls[] = { "jobs:busy", "fail:abandons" };
	struct peer other;
	struct reply r;
	struct hired h;

	live_start(TWO_MODES);
	peer_open(&other);
	for (int i = 0; i < MODES * 2; i++) {
		const char *what = params(modes[i / 2], calls[i % 2],
		    ", 'grace_ns': 20000000000");

		hire(&h, MANY, what);
		for (unsigned j = 0; j < h.n; j++) {
			ask(&other, &r, "signal", "{'id': %ju, 'signal': %d}",
			    (uintmax_t)h.ids[j], SIGINT);
			reply_fini(&r);
		}
		all_end(&other, h.ids, h.n, interrupted);
		fire(&h, SIGINT);
		hire(&h, MANY, what);
		fire(&h, SIGINT);
		all_end(&other, h.ids, h.n, ended_in_its_grace);
	}
	peer_close(&other);
	live_stop();
}
END_TEST

/*
 * CPython looks for signals before it sleeps in C: one that comes between the
 * look and the sleep is not heard until that is over, in `python` too.
 */
static void
await_sleep(struct peer *p, uint64_t id)
{
	struct reply r;

	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	process_asleep(int_at(&r, "pid"));
	reply_fini(&r);
}

/*
 * 6. An orphan ignores SIGINT, because the handler lives in an interpreter that
 * never runs again.  Here the client is killed, and nothing else is done; then
 * the same with a SIGINT to the child, which means something to most.
 */
START_TEST(fail_6_deaf_orphan)
{
	static const char *const calls[] = { "jobs:hang", "fail:sleeps",
		"fail:ignores_sigint", "jobs:deaf" };
	struct peer other;
	struct reply r;
	struct hired h;

	live_start(TWO_MODES);
	peer_open(&other);
	for (int i = 0; i < MODES * 4; i++) {
		const char *what = params(modes[i / 4], calls[i % 4],
		    ", 'grace_ns': 500000000");

		hire(&h, 1, what);
		fire(&h, SIGKILL);
		all_end(&other, h.ids, h.n, did_end);
		hire(&h, 1, what);
		await_sleep(&other, h.ids[0]);
		ask(&other, &r, "signal", "{'id': %ju, 'signal': %d}",
		    (uintmax_t)h.ids[0], SIGINT);
		reply_fini(&r);
		if (i % 4 < 2)
			all_end(&other, h.ids, h.n, interrupted);
		fire(&h, SIGKILL);
		all_end(&other, h.ids, h.n, did_end);
	}
	peer_close(&other);
	live_stop();
}
END_TEST

/*
 * 10. A child never reaches a checkpoint: trio's cancel has nowhere to be
 * raised, whoever asks for it.
 */
START_TEST(fail_10_no_checkpoint)
{
	struct peer other;
	struct reply r;
	struct hired h;

	live_start(TWO_MODES);
	peer_open(&other);
	for (int i = 0; i < MODES; i++) {
		const char *what = params(modes[i], "fail:no_checkpoint",
		    ", 'grace_ns': 500000000");

		hire(&h, 2, what);
		ask(&other, &r, "cancel", "{'id': %ju}", (uintmax_t)h.ids[0]);
		reply_fini(&r);
		all_end(&other, h.ids, 1, was_killed);
		fire(&h, SIGKILL);
		all_end(&other, h.ids + 1, 1, was_killed);
	}
	peer_close(&other);
	live_stop();
}
END_TEST

/* A child whose stdout is a pipe that nobody reads: its id. */
static uint64_t
flood(struct peer *p, const char *mode, const char *call, int *out)
{
	struct reply r;
	uint64_t id;
	uint32_t q;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	q = peer_send_fds(p, "spawn", &ends[1], 1,
	    "{%s, 'fds': [1], 'grace_ns': 500000000}", params(mode, call, ""));
	close(ends[1]);
	peer_response(p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	*out = ends[0];
	return id;
}

/* Waits until the pipe FD has no room left. */
static void
full(int fd)
{
	uint64_t until = clock_ns() + DEADLINE_S * NS_PER_S;
	struct pollfd none = { .fd = -1 };
	int size = fcntl(fd, F_GETPIPE_SZ), there = 0;

	/* Nothing tells of a write that waits. */
	while (ioctl(fd, FIONREAD, &there) == 0 && there < size) {
		ck_assert_msg(clock_ns() < until, "%d bytes in the pipe",
		    there);
		poll(&none, 1, 5);
	}
}

/*
 * 13. A child that writes 1 MB to a pipe that nobody reads is in a write that
 * does not end, or in the flush at its end.  Its cancel is bounded, too.
 */
START_TEST(fail_13_full_pipe)
{
	static const char *const calls[] = { "fail:floods", "fail:floods_trio",
		"fail:floods_thread", "fail:floods_at_exit" };
	struct peer p;
	struct reply r;
	uint64_t id;
	int out;

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < MODES * 4; i++) {
		id = flood(&p, modes[i / 4], calls[i % 4], &out);
		full(out);
		ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)id);
		reply_fini(&r);
		all_end(&p, &id, 1, did_end);
		close(out);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { fail_1_starved_of_the_gil,
		fail_6_deaf_orphan, fail_10_no_checkpoint, fail_13_full_pipe,
		NULL };

	return harness_main("fail_signals", tests);
}
