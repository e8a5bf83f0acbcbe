/*
 * How children end: cancelling, grace, leases, waiting, the daemon's own end.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"

/* A child with a pipe at its stdout that says "up" when it has come so far. */
struct up {
	uint64_t id;
	pid_t pid;
	int out;
};

static struct up
start_up(struct peer *p, const char *extra, const char *fn)
{
	struct reply r;
	struct up u;
	int pipefd[2];
	uint32_t id;

	ck_assert_int_eq(pipe2(pipefd, O_CLOEXEC), 0);
	id = peer_send_fds(p, "spawn", &pipefd[1], 1,
	    "{'call': 'jobs:%s', 'fds': [1]%s}", fn, extra);
	close(pipefd[1]);
	peer_response(p, id, &r);
	u.id = int_at(&r, "id");
	u.pid = int_at(&r, "pid");
	u.out = pipefd[0];
	reply_fini(&r);
	ck_assert_str_eq(read_text(u.out, true), "up\n");
	return u;
}

static void
cancel(struct peer *p, uint64_t id, const char *extra)
{
	struct reply r;

	ask(p, &r, "cancel", "{'id': %ju%s}", (uintmax_t)id, extra);
	reply_fini(&r);
}

START_TEST(cancel_ends_trio)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = start_up(&p, "", "hang");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	/* Shielded clean-up runs to its end. */
	u = start_up(&p, "", "clean_up");
	cancel(&p, u.id, "");
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	close(u.out);
	/* Code behind trio.run does not go on with None. */
	u = start_up(&p, "", "after_cancel");
	cancel(&p, u.id, "");
	ck_assert_str_eq(read_text(u.out, false), "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(cancel_reaches_any_thread)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = start_up(&p, "", "in_thread");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_int_eq(int_at(&r, "result.0"), 143);
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The cancel may overtake the coroutine's first step. */
START_TEST(cancel_at_once)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < 20; i++) {
		uint64_t id = spawn(&p, "{'call': 'jobs:hang'}");

		cancel(&p, id, "");
		wait_end(&p, id, &r);
		ck_assert_int_eq(int_at(&r, "exit_code"), 143);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(cancel_without_trio_is_sigterm)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = start_up(&p, "", "busy");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGTERM);
	ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(sigterm_cancels_a_function)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = start_up(&p, "", "clean_up");
	ask(&p, &r, "signal", "{'id': %ju, 'signal': %d}", (uintmax_t)u.id,
	    SIGTERM);
	reply_fini(&r);
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	ck_assert(!bool_at(&r, "cancelled"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(grace_ends_with_sigkill)
{
	struct peer p;
	struct reply r;
	struct up u, v;

	live_start(NULL);
	peer_open(&p);
	u = start_up(&p, ", 'grace_ns': 100000000", "stubborn");
	cancel(&p, u.id, "");
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	ck_assert(bool_at(&r, "cancelled") && bool_at(&r, "killed"));
	reply_fini(&r);
	/* A second cancel may shorten the grace; none may lengthen it. */
	v = start_up(&p, ", 'grace_ns': 3600000000000", "deaf");
	cancel(&p, v.id, "");
	cancel(&p, v.id, ", 'grace_ns': 100000000");
	cancel(&p, v.id, ", 'grace_ns': 3600000000000");
	wait_end(&p, v.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	close(u.out);
	close(v.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(kill_and_signal)
{
	struct peer p;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = start_up(&p, "", "stubborn");
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	ck_assert(bool_at(&r, "killed") && !bool_at(&r, "cancelled"));
	reply_fini(&r);
	close(u.out);
	u = start_up(&p, "", "hang");
	ask(&p, &r, "signal", "{'id': %ju, 'signal': %d}", (uintmax_t)u.id,
	    SIGINT);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGINT);
	ck_assert_str_eq(str_at(&r, "exception.type"), "KeyboardInterrupt");
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(lease_ends_with_the_connection)
{
	struct peer owner, other;
	struct reply r;
	struct up u, v, d;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	u = start_up(&owner, "", "clean_up");
	v = start_up(&owner, ", 'grace_ns': 100000000", "deaf");
	d = start_up(&owner, ", 'detached': true", "hang");
	peer_close(&owner);
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	wait_end(&other, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	wait_end(&other, v.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	/* The detached one lives on. */
	ask(&other, &r, "inspect", "{'id': %ju}", (uintmax_t)d.id);
	ck_assert_str_eq(str_at(&r, "state"), "running");
	ck_assert(bool_at(&r, "detached") && !has(&r, "owner"));
	reply_fini(&r);
	ask(&other, &r, "kill", "{'id': %ju}", (uintmax_t)d.id);
	reply_fini(&r);
	wait_end(&other, d.id, &r);
	reply_fini(&r);
	close(u.out);
	close(v.out);
	close(d.out);
	peer_close(&other);
	live_stop();
}
END_TEST

/* The client is SIGKILLed while a forked copy of it holds the connection. */
START_TEST(lease_ends_with_the_peer)
{
	struct peer p, other;
	struct reply r;
	int ids[2], hold[2];
	uint64_t id;
	pid_t client;
	int status;

	live_start(NULL);
	ck_assert_int_eq(pipe2(ids, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
	client = fork();
	if (client == 0) {
		char c;

		peer_open(&p);
		id = spawn(&p, "{'call': 'jobs:hang'}");
		close(hold[1]);
		if (fork() == 0) {	/* holds it until the test is over */
			close(ids[1]);
			_exit(read(hold[0], &c, 1) != 0);
		}
		ck_assert_int_eq(write(ids[1], &id, sizeof(id)), sizeof(id));
		pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ids[0], &id, sizeof(id)), sizeof(id));
	peer_open(&other);
	kill(client, SIGKILL);
	wait_end(&other, id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	ck_assert(bool_at(&r, "cancelled"));
	reply_fini(&r);
	ck_assert_int_eq(waitpid(client, &status, 0), client);
	close(hold[1]);
	close(ids[0]);
	close(ids[1]);
	peer_close(&other);
	live_stop();
}
END_TEST

START_TEST(waiters)
{
	struct peer a, b;
	struct reply r;
	struct up u;
	uint32_t ids[3];

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	u = start_up(&a, "", "hang");
	refused(&b, "timeout", NULL, "wait",
	    "{'id': %ju, 'timeout_ns': 10000000}", (uintmax_t)u.id);
	for (int i = 0; i < 3; i++)
		ids[i] = peer_send(i == 0 ? &a : &b, "wait", "{'id': %ju}",
		    (uintmax_t)u.id);
	cancel(&a, u.id, "");
	for (int i = 0; i < 2; i++) {	/* in either order */
		peer_next(&b, &r);
		ck_assert(r.msg.id == ids[1] || r.msg.id == ids[2]);
		ck_assert_int_eq(int_at(&r, "exit_code"), 143);
		reply_fini(&r);
	}
	peer_response(&a, ids[0], &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	/* After the end it answers at once. */
	wait_end(&b, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	refused(&b, "not_running", NULL, "cancel", "{'id': %ju}",
	    (uintmax_t)u.id);
	refused(&b, "not_running", NULL, "signal", "{'id': %ju, 'signal': 1}",
	    (uintmax_t)u.id);
	close(u.out);
	peer_close(&a);
	peer_close(&b);
	live_stop();
}
END_TEST

/* Over at its exit, though a grandchild holds all that it had. */
START_TEST(over_at_the_exit)
{
	struct peer p;
	struct reply r;
	pid_t grandchild = 0;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "{'code': 'import os, time\\npid = "
	    "os.fork()\\nif pid == 0: time.sleep(3600)\\nopen(\"%s/pid\", "
	    "\"w\").write(str(pid))'}", live.dir), 0);
	reply_fini(&r);
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/pid", live.dir);
	f = fopen(path, "r");
	ck_assert_int_eq(fscanf(f, "%d", &grandchild), 1);
	fclose(f);
	unlink(path);
	/* What a child leaves behind is the daemon's to reap. */
	kill(grandchild, SIGKILL);
	process_gone(grandchild);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(shutdown_drains)
{
	struct peer p, q;
	struct reply r;
	struct up u, v;
	uint32_t waiting;
	int status;

	live_start(NULL);
	peer_open(&p);
	peer_open(&q);
	u = start_up(&p, "", "clean_up");
	v = start_up(&p, ", 'grace_ns': 100000000", "deaf");
	waiting = peer_send(&q, "wait", "{'id': %ju}", (uintmax_t)v.id);
	ask(&p, &r, "shutdown", "{}");
	reply_fini(&r);
	refused(&p, "draining", NULL, "spawn", "{'call': 'jobs:hang'}");
	ck_assert_str_eq(read_text(u.out, false), "clean\n");
	/* Who waits is answered before the end. */
	peer_response(&q, waiting, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	peer_closed(&p);
	peer_closed(&q);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	ck_assert_int_eq(status, 0);
	live_no_process();
	close(u.out);
	close(v.out);
	peer_close(&p);
	peer_close(&q);
}
END_TEST

/* SIGKILL of the daemon: leased children end within their grace, also one that
 * computes and one that has blocked all signals; a detached one goes on. */
START_TEST(daemon_dies)
{
	struct peer p;
	struct up hang, busy, deaf, free_one;
	int status;

	live_start(NULL);
	peer_open(&p);
	hang = start_up(&p, "", "clean_up");
	busy = start_up(&p, ", 'grace_ns': 200000000", "busy");
	deaf = start_up(&p, ", 'grace_ns': 200000000", "deaf");
	free_one = start_up(&p, ", 'detached': true", "hang");
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	ck_assert_str_eq(read_text(hang.out, false), "clean\n");
	ck_assert_str_eq(read_text(busy.out, false), "");
	ck_assert_str_eq(read_text(deaf.out, false), "");
	ck_assert_int_ne(process_state(free_one.pid), '?');
	ck_assert_int_ne(process_state(free_one.pid), 'Z');
	kill(free_one.pid, SIGKILL);
	live_no_process();
	close(hang.out);
	close(busy.out);
	close(deaf.out);
	close(free_one.out);
	peer_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { cancel_ends_trio,
		cancel_reaches_any_thread, cancel_at_once,
		cancel_without_trio_is_sigterm, sigterm_cancels_a_function,
		grace_ends_with_sigkill, kill_and_signal,
		lease_ends_with_the_connection, lease_ends_with_the_peer,
		waiters, over_at_the_exit, shutdown_drains, daemon_dies,
		NULL };

	return harness_main("life", tests);
}
