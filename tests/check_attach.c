/*
 * attach and detach: whose a child is, and that all who act on it know.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/gate.h"
#include "tests/harness.h"
#include "tests/up.h"

static void
call(struct peer *p, const char *method, uint64_t id)
{
	struct reply r;

	ask(p, &r, method, "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
}

static void
expect_running(struct peer *p, uint64_t id, bool detached)
{
	struct reply r;

	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "state"), "running");
	ck_assert_int_eq(bool_at(&r, "detached"), detached);
	ck_assert_int_eq(has(&r, "owner"), !detached);
	reply_fini(&r);
}

START_TEST(attach_takes_the_lease)
{
	struct peer a, b, other;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	peer_open(&other);
	u = up_start(&a, ", 'detached': true", "hang");
	ask(&b, &r, "attach", "{'id': %ju, 'pidfd': true}", (uintmax_t)u.id);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), u.id);
	ck_assert_int_eq(int_at(&r, "pid"), u.pid);
	ck_assert_str_eq(str_at(&r, "state"), "running");
	ck_assert(has(&r, "phases.total_ns") && r.fd != -1);
	reply_fini(&r);
	expect_running(&other, u.id, false);
	close_and_settle(&a, &other);
	expect_running(&other, u.id, false);
	/* The owner again: nothing changes. */
	call(&b, "attach", u.id);
	peer_close(&b);
	wait_end(&other, u.id, &r);
	ck_assert_int_eq(int_at(&r, "exit_code"), 143);
	reply_fini(&r);
	close(u.out);
	peer_close(&other);
	live_stop();
}
END_TEST

START_TEST(attach_moves_the_lease)
{
	struct peer a, b, other;
	struct reply r;
	struct up u;

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	peer_open(&other);
	u = up_start(&a, "", "hang");
	call(&b, "attach", u.id);
	peer_event(&a, "moved", &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), u.id);
	ck_assert(has(&r, "owner"));
	reply_fini(&r);
	call(&other, "kill", u.id);
	peer_event(&b, "exited", &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	/* Not to the one that had it before. */
	peer_send(&a, "ping", "{}");
	peer_next(&a, &r);
	ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
	reply_fini(&r);
	close(u.out);
	u = up_start(&a, "", "hang");
	call(&b, "attach", u.id);
	close_and_settle(&a, &other);
	expect_running(&other, u.id, false);
	peer_close(&b);
	wait_end(&other, u.id, &r);
	ck_assert(bool_at(&r, "cancelled"));
	reply_fini(&r);
	close(u.out);
	peer_close(&other);
	live_stop();
}
END_TEST

START_TEST(detach_lets_go)
{
	struct peer a, other;
	struct reply r;
	struct up u, v;

	live_start(NULL);
	peer_open(&a);
	peer_open(&other);
	u = up_start(&a, "", "hang");
	v = up_start(&a, "", "hang");
	call(&a, "detach", u.id);
	call(&a, "detach", u.id);
	call(&other, "detach", v.id);
	/* Who did it himself is not told. */
	peer_event(&a, "moved", &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), v.id);
	ck_assert(!has(&r, "owner"));
	reply_fini(&r);
	close_and_settle(&a, &other);
	expect_running(&other, u.id, true);
	expect_running(&other, v.id, true);
	call(&other, "cancel", u.id);
	wait_end(&other, u.id, &r);
	reply_fini(&r);
	call(&other, "attach", v.id);
	close(u.out);
	close(v.out);
	peer_close(&other);
	live_stop();
}
END_TEST

/* Before it has started: the answer comes when it has, and it is not cancelled
 * with who asked for it. */
START_TEST(attach_before_the_start)
{
	struct peer a, b, other;
	struct reply r;
	struct gate g;
	uint32_t q;
	uint64_t id;

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	peer_open(&other);
	g = gate_make();
	peer_send(&a, "spawn",
	    "{'call': 'waits_at_import:hang', 'env': {'GATE': '%s'}}", g.path);
	id = newest(&a);
	q = peer_send(&b, "attach", "{'id': %ju}", (uintmax_t)id);
	ask(&b, &r, "ping", "{}");
	reply_fini(&r);
	close_and_settle(&a, &other);
	ask(&other, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_str_eq(str_at(&r, "state"), "starting");
	reply_fini(&r);
	gate_open(&g);
	peer_response(&b, q, &r);
	ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
	reply_fini(&r);
	peer_close(&b);
	wait_end(&other, id, &r);
	ck_assert(bool_at(&r, "cancelled"));
	reply_fini(&r);
	peer_close(&other);
	live_stop();
}
END_TEST

/* A child, and P a connection that belongs to it by its cookie. */
static uint64_t
belong_to_a_child(struct peer *owner, struct peer *p)
{
	struct reply r;
	uint64_t id;
	uint32_t q;
	int out[2];

	ck_assert_int_eq(pipe(out), 0);
	q = peer_send_fds(owner, "spawn", &out[1], 1,
	    "{'call': 'nest:says_its_cookie', 'fds': [1]}");
	close(out[1]);
	peer_response(owner, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	ask(p, &r, "hello", "{'parent': '%s'}", read_text(out[0], false));
	close(out[0]);
	ck_assert_uint_eq((uint64_t)int_at(&r, "child"), id);
	reply_fini(&r);
	return id;
}

/* The place in the tree moves with the lease.  Parents have the smaller ids:
 * what is older than who takes it has none, and ends with the connection. */
START_TEST(attach_moves_in_the_tree)
{
	struct peer a, b, other;
	struct reply r;
	struct up older, u;
	uint64_t parent;

	live_start(NULL);
	peer_open(&a);
	peer_open(&b);
	peer_open(&other);
	older = up_start(&a, "", "hang");
	parent = belong_to_a_child(&a, &b);
	u = up_start(&a, "", "hang");
	call(&b, "attach", older.id);
	call(&b, "attach", u.id);
	ask(&other, &r, "inspect", "{'id': %ju}", (uintmax_t)older.id);
	ck_assert(!has(&r, "parent"));
	reply_fini(&r);
	ask(&other, &r, "inspect", "{'id': %ju}", (uintmax_t)u.id);
	ck_assert_uint_eq((uint64_t)int_at(&r, "parent"), parent);
	reply_fini(&r);
	call(&other, "kill", parent);
	wait_end(&other, u.id, &r);
	ck_assert(bool_at(&r, "cancelled"));
	ck_assert_uint_eq((uint64_t)int_at(&r, "parent"), parent);
	reply_fini(&r);
	expect_running(&other, older.id, false);
	peer_close(&b);
	wait_end(&other, older.id, &r);
	reply_fini(&r);
	close(older.out);
	close(u.out);
	/* And away from below a parent. */
	peer_open(&b);
	parent = belong_to_a_child(&a, &b);
	u = up_start(&b, "", "hang");
	call(&other, "attach", u.id);
	call(&other, "kill", parent);
	wait_end(&other, parent, &r);
	reply_fini(&r);
	peer_close(&b);
	expect_running(&other, u.id, false);
	close(u.out);
	peer_close(&a);
	peer_close(&other);
	live_stop();
}
END_TEST

START_TEST(wrong_ones)
{
	static const char *const methods[] = { "attach", "detach" };
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	run(&p, &r, "{'code': 'pass'}");
	reply_fini(&r);
	ck_assert_uint_eq(spawn(&p, "{'call': 'jobs:hang'}"), 2);
	for (int i = 0; i < 2; i++) {
		const char *m = methods[i];

		refused(&p, "invalid_params", "id", m, "{}");
		refused(&p, "invalid_params", "id", m, "{'id': 'x'}");
		refused(&p, "invalid_params", "id", m, "{'id': -1}");
		refused(&p, "invalid_params", "more", m,
		    "{'id': 2, 'more': 1}");
		refused(&p, "not_found", "id", m, "{'id': 99}");
		refused(&p, "not_running", NULL, m, "{'id': 1}");
	}
	refused(&p, "invalid_params", "pidfd", "attach",
	    "{'id': 2, 'pidfd': 1}");
	refused(&p, "invalid_params", "pidfd", "detach",
	    "{'id': 2, 'pidfd': true}");
	peer_close(&p);
	live_stop();
}
END_TEST

/*
 * The daemon is killed: what was attached ends, what was detached goes on,
 * though they compute or hear no signal.  With the zygote stopped a child has
 * only what it knows itself, and one that hears nothing is beyond help.
 */
static void
daemon_dies(const char *template, bool zygote)
{
	struct peer p, q;
	struct reply r;
	struct up taken[2], freed[2];
	char extra[96];
	size_t n = zygote ? 2 : 1;
	pid_t guard = 0;
	int status;

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.plain]\npath = [\"%s\"]\npromote = false\n");
	peer_open(&p);
	peer_open(&q);
	for (size_t i = 0; i < n; i++) {
		const char *fn = i == 0 ? "busy" : "deaf";

		snprintf(extra, sizeof(extra),
		    ", 'template': '%s', 'detached': true, "
		    "'grace_ns': 500000000",
		    template);
		taken[i] = up_start(&p, extra, fn);
		snprintf(extra, sizeof(extra),
		    ", 'template': '%s', 'grace_ns': 100000000", template);
		freed[i] = up_start(&p, extra, fn);
		call(&q, "attach", taken[i].id);
		call(&q, "detach", freed[i].id);
	}
	ask(&p, &r, "templates", "{}");
	for (int i = 0; i < 2 && !zygote; i++) {
		char path[32];

		snprintf(path, sizeof(path), "templates.%d.name", i);
		if (strcmp(str_at(&r, path), template) != 0)
			continue;
		snprintf(path, sizeof(path), "templates.%d.pid", i);
		guard = int_at(&r, path);
		ck_assert_int_eq(kill(guard, SIGSTOP), 0);
	}
	reply_fini(&r);
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(read_text(taken[i].out, false), "");
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_ne(process_state(freed[i].pid), '?');
		ck_assert_int_ne(process_state(freed[i].pid), 'Z');
		kill(freed[i].pid, SIGKILL);
		close(taken[i].out);
		close(freed[i].out);
	}
	if (guard != 0)
		kill(guard, SIGKILL);
	live_no_process();
	peer_close(&p);
	peer_close(&q);
}

START_TEST(daemon_dies_before_the_zygote)
{
	daemon_dies("default", true);
}
END_TEST

START_TEST(daemon_dies_and_nobody_helps)
{
	daemon_dies("default", false);
}
END_TEST

START_TEST(daemon_dies_of_unpromoted_ones)
{
	daemon_dies("plain", false);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { attach_takes_the_lease,
		attach_moves_the_lease, detach_lets_go, attach_before_the_start,
		attach_moves_in_the_tree, wrong_ones,
		daemon_dies_before_the_zygote, daemon_dies_and_nobody_helps,
		daemon_dies_of_unpromoted_ones, NULL };

	return harness_main("attach", tests);
}
