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

/* What a child has asked for goes with it when its client does; its own
 * connection is well, and hears no other. */
START_TEST(queued_below_who_goes)
{
	struct peer owner, below, other;
	struct reply r;
	uint64_t root;
	uint32_t q;
	int out[2];

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.hangs]\npath = [\"%s\"]\nstart = \"demand\"\n"
		   "preload = [\"hangs_at_import\"]\n");
	peer_open(&owner);
	peer_open(&below);
	peer_open(&other);
	ck_assert_int_eq(pipe(out), 0);
	q = peer_send_fds(&owner, "spawn", &out[1], 1,
	    "{'call': 'nest:says_its_cookie', 'fds': [1]}");
	close(out[1]);
	peer_response(&owner, q, &r);
	root = int_at(&r, "id");
	reply_fini(&r);
	ask(&below, &r, "hello", "{'parent': '%s'}", read_text(out[0], false));
	close(out[0]);
	ck_assert_uint_eq((uint64_t)int_at(&r, "child"), root);
	reply_fini(&r);
	q = peer_send(&below, "spawn", "{'template': 'hangs', 'code': '1'}");
	ask(&below, &r, "list", "{}");
	ck_assert_uint_eq(at(&r, "children")->via.array.size, 2);
	reply_fini(&r);
	peer_close(&owner);
	peer_response(&below, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "child_died");
	ck_assert(!has(&r, "exit_code") && !has(&r, "signal"));
	reply_fini(&r);
	wait_end(&other, root, &r);
	reply_fini(&r);
	peer_close(&below);
	peer_close(&other);
	live.baseline++; /* the zygote that hangs */
	live_stop();
}
END_TEST

/* Somebody wants it to go on: its client's end is not its own, though nobody
 * waits for its start any more. */
START_TEST(let_go_before_the_start)
{
	struct peer p, other;
	struct reply r;
	struct gate g;
	uint64_t id;

	live_start(NULL);
	peer_open(&p);
	peer_open(&other);
	g = gate_make();
	peer_send(&p, "spawn",
	    "{'call': 'waits_at_import:hang', 'env': {'GATE': '%s'}}", g.path);
	id = newest(&p);
	ask(&other, &r, "detach", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	close_and_settle(&p, &other);
	ask(&other, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "state"), "starting");
	ck_assert(bool_at(&r, "detached"));
	reply_fini(&r);
	gate_open(&g);
	/* Told as soon as it has started. */
	ask(&other, &r, "attach", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "state"), "running");
	reply_fini(&r);
	ask(&other, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	wait_end(&other, id, &r);
	ck_assert(!bool_at(&r, "cancelled"));
	reply_fini(&r);
	peer_close(&other);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_pid_is_used_again,
		queued_below_who_goes, let_go_before_the_start, NULL };

	return harness_main("parent", tests);
}
