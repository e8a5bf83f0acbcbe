/*
 * Zygotes that die or stand still: each costs itself only.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/template.h"

START_TEST(dead_zygote_is_replaced)
{
	struct peer p;
	struct reply r;
	uint32_t id;
	uint64_t hang, busy, reads;
	pid_t zygote;
	int in[2];

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	id = peer_send_fds(&p, "spawn", &in[0], 1,
	    "{'code': 'import sys; sys.exit(len(sys.stdin.read()))',"
	    " 'fds': [0]}");
	peer_response(&p, id, &r);
	reads = int_at(&r, "id");
	reply_fini(&r);
	hang = spawn(&p, "{'call': 'jobs:hang'}");
	busy = spawn(&p, "{'call': 'jobs:busy'}");
	zygote = template_int(&p, "default", "pid");
	kill(zygote, SIGKILL);
	process_gone(zygote);
	/* Served by the next generation; the first one's children are kept. */
	template_echo(&p, "");
	ck_assert_int_eq(template_int(&p, "default", "generation"), 2);
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)hang);
	ck_assert_str_eq(str_at(&r, "state"), "running");
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	reply_fini(&r);
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)hang);
	reply_fini(&r);
	wait_end(&p, hang, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)busy);
	reply_fini(&r);
	wait_end(&p, busy, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	/* What is left alone comes to its own end. */
	ck_assert_int_eq(write(in[1], "sevenly", 7), 7);
	close(in[0]);
	close(in[1]);
	wait_end(&p, reads, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 7);
	ck_assert(!bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	ck_assert_int_gt(int_at(&r, "rusage.minflt"), 0);
	reply_fini(&r);
	/* An idle one is replaced as well. */
	zygote = template_int(&p, "default", "pid");
	kill(zygote, SIGKILL);
	process_gone(zygote);
	template_echo(&p, "");
	ck_assert_int_eq(template_int(&p, "default", "generation"), 3);
	ck_assert_str_eq(template_str(&p, "default", "state"), "ready");
	peer_close(&p);
	live_stop();
}
END_TEST

/* Spawns in flight when the zygote dies are answered one way or the other. */
START_TEST(spawns_outlive_their_zygote)
{
	struct peer p;
	struct reply r;
	pid_t zygote;
	int served = 0;

	live_start(NULL);
	peer_open(&p);
	zygote = template_int(&p, "default", "pid");
	for (int i = 0; i < 40; i++) {
		if (i == 20)
			kill(zygote, SIGKILL);
		peer_send(&p, "spawn", "{'call': 'jobs:hang'}");
	}
	while (served < 40) {
		peer_next(&p, &r);
		if (r.msg.type == MSG_RESPONSE) {
			ck_assert_int_eq(r.msg.error.type, MSGPACK_OBJECT_NIL);
			served++;
		}
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(stopped_zygote_holds_nobody_up)
{
	struct peer p;
	struct reply r;
	pid_t zygote;
	uint32_t late;

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "preload = [\"trio\", \"jobs\"]\n[template.other]\n"
		   "path = [\"%s\"]\npreload = [\"jobs\"]\n");
	peer_open(&p);
	zygote = template_int(&p, "other", "pid");
	kill(zygote, SIGSTOP);
	late = peer_send(&p, "spawn",
	    "{'template': 'other', 'call': 'jobs:echo'}");
	template_echo(&p, "");
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	kill(zygote, SIGCONT);
	peer_response(&p, late, &r);
	ck_assert_int_eq(r.msg.error.type, MSGPACK_OBJECT_NIL);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	/* It is about forks. */
	unsetenv("FORKSERVERD_STANDBYS");
	const TTest *const tests[] = { dead_zygote_is_replaced,
		spawns_outlive_their_zygote, stopped_zygote_holds_nobody_up,
		NULL };

	return harness_main("zygote", tests);
}
