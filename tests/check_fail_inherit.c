/*
 * Known ways to fail: what a child has from others, and what others take for
 * it.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/modes.h"

#define IDLE_S 5
#define IDLE_MS 100 /* CPU time; of a spinning one it is 5000 */

/* What descriptor at index I of a result of fail.descriptors is. */
static const char *
descriptor(const struct reply *r, unsigned i, int *fd)
{
	char path[48];

	snprintf(path, sizeof(path), "result.%u.0", i);
	*fd = int_at(r, path);
	snprintf(path, sizeof(path), "result.%u.1", i);
	return str_at(r, path);
}

/*
 * 5. A forked child inherits the wakeup socketpair of another loop, whose EOF
 * trio's drain does not see, and spins.  Here a child has no descriptor but its
 * own: /dev/null, its control socket, and libffi's memory; and one that waits
 * for five seconds uses next to no CPU time.
 */
START_TEST(fail_5_inherited_wakeup_pair)
{
	struct peer p;
	struct reply r;
	uint64_t ids[MODES];

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < MODES; i++)
		ids[i] = spawn(&p,
		    "{'template': '%s', 'call': 'fail:idles', 'args': [%d]}",
		    modes[i], IDLE_S);
	for (int i = 0; i < MODES; i++) {
		ck_assert_int_eq(run(&p, &r,
				     "{'template': '%s', 'call': "
				     "'fail:descriptors'}",
				     modes[i]),
		    0);
		ck_assert_uint_ge(at(&r, "result")->via.array.size, 4);
		for (unsigned j = 0; j < at(&r, "result")->via.array.size;
		    j++) {
			int fd;
			const char *what = descriptor(&r, j, &fd);

			if (fd <= 2)
				ck_assert_str_eq(what, "/dev/null");
			else if (fd == 511)
				ck_assert_ptr_eq(strstr(what, "socket:"), what);
			else
				ck_assert_msg(strstr(what, "libffi") != NULL,
				    "descriptor %d is %s", fd, what);
		}
		reply_fini(&r);
	}
	for (int i = 0; i < MODES; i++) {
		wait_end(&p, ids[i], &r);
		ck_assert_int_lt(int_at(&r, "result"), IDLE_MS);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* All that a child of pools.py has started. */
static unsigned
processes(const char *line, pid_t *pids, unsigned max)
{
	unsigned n = 0;
	char *end;

	for (; n < max && (pids[n] = strtol(line, &end, 10)) > 0; n++)
		line = end;
	return n;
}

/*
 * 9. multiprocessing's resource tracker is inherited, or outlives what it
 * tracks; workers of a pool outlive who started them.  A preload that starts
 * the tracker is refused; pools of every kind in a child that is cancelled
 * leave no process, no semaphore and no shared memory behind, the same names
 * being used by one child after the other.
 */
START_TEST(fail_9_multiprocessing)
{
	static const char *const kinds[] = { "pool", "executor" };
	static const char *const methods[] = { "fork", "spawn", "forkserver" };
	struct peer p;
	struct reply r;
	pid_t pids[16];
	char memory[64];
	int out[2];

	live_start(TWO_MODES "[template.tracks]\nstart = \"demand\"\n"
			     "path = [\"%s\"]\npreload = [\"tracks\"]\n");
	peer_open(&p);
	snprintf(memory, sizeof(memory), "/dev/shm/check-%d", (int)live.pid);
	for (int i = 0; i < MODES * 2 * 3; i++) {
		uint32_t q;
		uint64_t id;
		unsigned n;

		ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
		q = peer_send_fds(&p, "spawn", &out[1], 1,
		    "{'template': '%s', 'call': 'pools:%s', 'fds': [1], "
		    "'args': ['%s', '%s'], 'grace_ns': %ju}",
		    modes[i / 6], kinds[i / 3 % 2], methods[i % 3], memory + 9,
		    (uintmax_t)(i / 3 % 2 == 0 ? 20000000000 : 1000000000));
		close(out[1]);
		peer_response(&p, q, &r);
		id = int_at(&r, "id");
		reply_fini(&r);
		n = processes(read_text(out[0], true), pids, 16);
		ck_assert_uint_ge(n, 2);
		ck_assert_int_eq(access(memory, F_OK), 0);
		ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)id);
		reply_fini(&r);
		wait_end(&p, id, &r);
		/* An executor waits for its workers, who work. */
		ck_assert_msg(bool_at(&r, "killed") == i / 3 % 2,
		    "%s: a %s, %s, %s", modes[i / 6], kinds[i / 3 % 2],
		    methods[i % 3],
		    bool_at(&r, "killed") ? "was killed" : "has ended");
		reply_fini(&r);
		while (n > 0)
			process_gone(pids[--n]);
		/* The last of them has the other end. */
		ck_assert_str_eq(read_text(out[0], false), "");
		ck_assert_msg(access(memory, F_OK) == -1,
		    "%s of a %s, %s, is left", memory + 9, kinds[i / 3 % 2],
		    methods[i % 3]);
		close(out[0]);
		for (int j = 0; j < 2; j++) {
			ck_assert_int_eq(run(&p, &r,
					     "{'template': '%s', 'call': "
					     "'pools:uses', 'args': ['%s', "
					     "'text %d']}",
					     modes[i / 6], memory + 9, j),
			    0);
			ck_assert_int_eq(str_at(&r, "result")[5], '0' + j);
			reply_fini(&r);
		}
	}
	refused(&p, "template_failed", NULL, "spawn",
	    "{'template': 'tracks', 'code': '1'}");
	peer_close(&p);
	live_stop();
}
END_TEST

/* A process of ours that has the number PID, which is free; -1: cannot be. */
static pid_t
impostor(pid_t pid)
{
	struct clone_args a = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t got = syscall(SYS_clone3, &a, sizeof(a));

	if (got == 0) {
		setsid(); /* leads a group of that number, too */
		for (;;)
			pause();
	}
	return got;
}

/*
 * 11. A signal by number hits whoever has the number by then.  Here the daemon
 * is held while a child dies and is reaped, and another process gets its
 * number; then it meets requests to end the child, and the news of its end, in
 * whatever order.  The other process lives.
 */
START_TEST(fail_11_pid_reuse)
{
	struct peer p;
	struct reply r;
	pid_t pid, other;
	int status;

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < MODES; i++) {
		uint64_t id = spawn(&p,
		    "{'template': '%s', 'call': 'jobs:hang'}", modes[i]);

		ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
		pid = int_at(&r, "pid");
		reply_fini(&r);
		ck_assert_int_eq(kill(live.pid, SIGSTOP), 0);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		process_reaped(pid);
		other = impostor(pid);
		if (other == -1) {
			puts("SKIP fail_inherit.fail_11_pid_reuse: cannot "
			     "choose a process's number");
			kill(live.pid, SIGCONT);
			break;
		}
		ck_assert_int_eq(other, pid);
		peer_send(&p, "signal", "{'id': %ju, 'signal': 9}",
		    (uintmax_t)id);
		peer_send(&p, "cancel", "{'id': %ju, 'grace_ns': 0}",
		    (uintmax_t)id);
		peer_send(&p, "kill", "{'id': %ju}", (uintmax_t)id);
		ck_assert_int_eq(kill(live.pid, SIGCONT), 0);
		wait_end(&p, id, &r);
		ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
		reply_fini(&r);
		refused(&p, "not_running", NULL, "kill", "{'id': %ju}",
		    (uintmax_t)id);
		ck_assert_int_eq(waitpid(other, &status, WNOHANG), 0);
		ck_assert_int_eq(kill(other, SIGKILL), 0);
		ck_assert_int_eq(waitpid(other, &status, 0), other);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { fail_5_inherited_wakeup_pair,
		fail_9_multiprocessing, fail_11_pid_reuse, NULL };

	return harness_main("fail_inherit", tests);
}
