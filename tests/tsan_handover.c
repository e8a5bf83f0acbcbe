/*
 * The zygote's two threads and the hand-over between them, under
 * ThreadSanitizer: work that is posted, work that is waited for, forks inside.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/zygote/handover.h"
#include "tests/harness.h"

#define ROUNDS 2000
#define FORKS 50

/* Plain data: the sanitiser sees it when both threads touch it at once. */
struct job {
	long n;
	pid_t pid;
	int ran_in_worker;
};

static struct handover h;

static void
add(void *arg)
{
	struct job *j = arg;

	j->n++;
	j->ran_in_worker = pthread_equal(pthread_self(), h.worker);
}

static void
fork_one(void *arg)
{
	struct job *j = arg;

	j->pid = fork();
	if (j->pid == 0)
		_exit(7);
}

static void
wait_done(void)
{
	struct pollfd p = { .fd = h.done_fd, .events = POLLIN };
	eventfd_t v;

	ck_assert_int_eq(poll(&p, 1, DEADLINE_S * 1000), 1);
	ck_assert_int_eq(eventfd_read(h.done_fd, &v), 0);
}

START_TEST(posted_and_called)
{
	struct job j = { 0 };
	struct err e;
	eventfd_t v;

	ck_assert_int_eq(handover_start(&h, 8 << 20, &e), 0);
	for (long i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0) {
			handover_post(&h, add, &j);
			wait_done();
		} else {
			handover_call(&h, add, &j);
		}
		ck_assert_int_eq(j.n, i + 1);
		ck_assert(j.ran_in_worker);
		/* Nothing is left to be told of. */
		ck_assert_int_eq(eventfd_read(h.done_fd, &v), -1);
		ck_assert_int_eq(errno, EAGAIN);
	}
}
END_TEST

START_TEST(forks_inside)
{
	struct job j = { 0 };
	struct err e;
	int status;

	ck_assert_int_eq(handover_start(&h, 8 << 20, &e), 0);
	for (int i = 0; i < FORKS; i++) {
		handover_call(&h, add, &j);
		handover_call(&h, fork_one, &j);
		ck_assert_int_gt(j.pid, 0);
		ck_assert_int_eq(waitpid(j.pid, &status, 0), j.pid);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
	ck_assert_int_eq(j.n, FORKS);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { posted_and_called, forks_inside, NULL };

	return harness_main("handover", tests);
}
