/*
 * Leases, by the connection's end and by its process's; the daemon's own end,
 * orderly and not.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/gate.h"
#include "tests/harness.h"
#include "tests/up.h"

START_TEST(lease_ends_with_the_connection)
{
	struct peer owner, other;
	struct reply r;
	struct up u, v, d;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	u = up_start(&owner, "", "clean_up");
	v = up_start(&owner, ", 'grace_ns': 100000000", "deaf");
	d = up_start(&owner, ", 'detached': true", "hang");
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
		if (fork() == 0) { /* holds it until the test is over */
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

/* A connection closed in one direction is at its end, with answers still on
 * their way to it: what it asked for is not left behind, whether it has started
 * or not. */
START_TEST(lease_ends_with_a_half_close)
{
	static const char *const kinds[] = { "", ", 'detached': true" };
	struct peer p, other;
	struct reply r;
	struct gate g;
	struct up u;
	uint64_t id;

	live_start(NULL);
	peer_open(&other);
	for (int i = 0; i < 2; i++) {
		peer_open(&p);
		u = up_start(&p, "", "clean_up");
		g = gate_make();
		peer_send(&p, "spawn",
		    "{'call': 'waits_at_import:hang', 'env': {'GATE': '%s'}%s}",
		    g.path, kinds[i]);
		id = newest(&p);
		ck_assert_int_eq(shutdown(p.st.fd, SHUT_WR), 0);
		ck_assert_str_eq(read_text(u.out, false), "clean\n");
		wait_end(&other, u.id, &r);
		ck_assert(bool_at(&r, "cancelled") && !bool_at(&r, "killed"));
		reply_fini(&r);
		wait_end(&other, id, &r);
		ck_assert(bool_at(&r, "cancelled") && !has(&r, "phases"));
		reply_fini(&r);
		peer_closed(&p);
		unlink(g.path);
		close(u.out);
		peer_close(&p);
	}
	/* The request and the end, read at once. */
	peer_open(&p);
	peer_send(&p, "spawn", "{'call': 'jobs:hang'}");
	ck_assert_int_eq(shutdown(p.st.fd, SHUT_WR), 0);
	peer_closed(&p);
	/* None, or one that ends. */
	for (size_t n = 1; n > 0;) {
		ask(&other, &r, "list", "{}");
		n = at(&r, "children")->via.array.size;
		reply_fini(&r);
	}
	peer_close(&p);
	peer_close(&other);
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
	u = up_start(&p, "", "clean_up");
	v = up_start(&p, ", 'grace_ns': 100000000", "deaf");
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

/* A detached child that has been cancelled is the daemon's to kill: a shutdown
 * waits for that, and may shorten its grace as others'. */
START_TEST(shutdown_ends_who_is_cancelled)
{
	static const struct {
		const char *child, *shutdown;
	} graces[] = {
		{ "300000000", "{}" },
		{ "3600000000000", "{'grace_ns': 0}" },
	};
	struct peer p;
	struct reply r;
	struct up u;
	uint32_t waiting;
	int status;

	for (int i = 0; i < 2; i++) {
		live_start("[server]\ndrain_timeout = 3600\n"
			   "[template.default]\npath = [\"%s\"]\n");
		peer_open(&p);
		u = up_start(&p, ", 'detached': true", "deaf");
		ask(&p, &r, "cancel", "{'id': %ju, 'grace_ns': %s}",
		    (uintmax_t)u.id, graces[i].child);
		reply_fini(&r);
		waiting = peer_send(&p, "wait", "{'id': %ju}", (uintmax_t)u.id);
		ask(&p, &r, "shutdown", "%s", graces[i].shutdown);
		reply_fini(&r);
		peer_response(&p, waiting, &r);
		ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
		reply_fini(&r);
		peer_closed(&p);
		ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
		ck_assert_int_eq(status, 0);
		live_no_process();
		close(u.out);
		peer_close(&p);
	}
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
	hang = up_start(&p, "", "clean_up");
	busy = up_start(&p, ", 'grace_ns': 200000000", "busy");
	deaf = up_start(&p, ", 'grace_ns': 200000000", "deaf");
	free_one = up_start(&p, ", 'detached': true", "hang");
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
	const TTest *const tests[] = { lease_ends_with_the_connection,
		lease_ends_with_the_peer, lease_ends_with_a_half_close,
		shutdown_drains, shutdown_ends_who_is_cancelled, daemon_dies,
		NULL };

	return harness_main("lease", tests);
}
