/*
 * Whom a connection is taken for, and what those hear whose parent or client
 * is gone before they have started.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/den.h"
#include "tests/gate.h"
#include "tests/harness.h"

/* A child that has ended, and whose captured output another process holds. */
static pid_t
leave_a_holder(struct peer *p, pid_t *holder)
{
	struct reply r;
	uint32_t q;
	pid_t pid;
	int out[2];

	ck_assert_int_eq(pipe(out), 0);
	q = peer_send_fds(p, "spawn", &out[1], 1,
	    "{'call': 'leaves:at_once', 'args': [true], 'fds': [1], "
	    "'capture': {'stdout': false}}");
	close(out[1]);
	peer_response(p, q, &r);
	pid = int_at(&r, "pid");
	reply_fini(&r);
	*holder = atoi(read_text(out[0], true));
	close(out[0]);
	process_gone(pid);
	return pid;
}

/* Says whether a connection of its own belongs to a child. */
static _Noreturn void
connect_and_tell(void)
{
	struct peer p;
	struct reply r;

	peer_open(&p);
	ask(&p, &r, "hello", "{}");
	_exit(has(&r, "child"));
}

/* The number is free for others as soon as a child has been reaped, which is
 * before it is over where its output is held. */
START_TEST(a_pid_is_used_again)
{
	struct clone_args how = { .exit_signal = SIGCHLD, .set_tid_size = 1 };
	struct peer p;
	struct reply r;
	pid_t pid, holder, again;
	int status;

	live_start(NULL);
	peer_open(&p);
	pid = leave_a_holder(&p, &holder);
	/* What its zygote says of this one comes behind that it has reaped the
	 * other. */
	run(&p, &r, "{'code': '1', 'start': 'warm'}");
	reply_fini(&r);
	how.set_tid = (uintptr_t)&pid;
	again = syscall(SYS_clone3, &how, sizeof(how));
	if (again == 0)
		connect_and_tell();
	if (again == -1)
		printf("SKIP parent.a_pid_is_used_again: cannot choose a pid: "
		       "%s\n",
		    strerrordesc_np(errno));
	ck_assert(again == pid || errno == EPERM);
	if (again == pid) {
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	lives_on(holder);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_pid_is_used_again, NULL };

	return harness_main("parent", tests);
}
