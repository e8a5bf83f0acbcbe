/*
 * Who may connect, and that he neither sees nor touches what is another's.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guise.h"
#include "tests/up.h"

#define ALICE 1001
#define BOB 1002
#define TEAM 2001

static const char config[] =
    "[server]\nmode = \"0666\"\n"
    "allow_users = [\"1001\", \"daemon\"]\nallow_groups = [\"2001\"]\n"
    "[template.default]\npath = [\"%s\"]\npreload = [\"trio\", \"jobs\"]\n";

static void
expect_admitted(uid_t uid, gid_t gid, gid_t other)
{
	struct peer p;
	struct reply r;

	guise_open(&p, uid, gid, other);
	ask(&p, &r, "hello", "{}");
	ck_assert_int_eq(int_at(&r, "uid"), uid);
	reply_fini(&r);
	peer_close(&p);
}

static void
expect_shut_out(uid_t uid, gid_t gid, gid_t other)
{
	struct peer p;

	guise_open(&p, uid, gid, other);
	refused(&p, "denied", NULL, "hello", "{}");
	peer_closed(&p);
	peer_close(&p);
}

START_TEST(who_is_named)
{
	guise_start(config);
	expect_admitted(ALICE, ALICE, 0);
	expect_admitted(1, 1, 0);
	expect_admitted(0, 0, 0);
	expect_admitted(BOB, TEAM, 0);
	expect_admitted(BOB, BOB, TEAM);
	expect_shut_out(BOB, BOB, 0);
	expect_shut_out(BOB, ALICE, 2002);
	live_stop();
}
END_TEST

START_TEST(nobody_else)
{
	guise_start("[server]\nmode = \"0666\"\n");
	expect_shut_out(ALICE, ALICE, 0);
	expect_shut_out(BOB, TEAM, 0);
	live_stop();
}
END_TEST

START_TEST(everybody)
{
	guise_start("[server]\nmode = \"0666\"\nallow_users = [\"*\"]\n");
	expect_admitted(ALICE, ALICE, 0);
	expect_admitted(BOB, BOB, 0);
	live_stop();
}
END_TEST

/* Who may not use it takes no place of those who may. */
START_TEST(those_shut_out_take_no_room)
{
	struct peer p[8], q;
	struct reply r;

	guise_start("[server]\nmode = \"0666\"\nmax_clients = 2\n");
	for (int i = 0; i < 8; i++)
		guise_open(&p[i], ALICE, ALICE, 0);
	peer_open(&q);
	ask(&q, &r, "status", "{}");
	ck_assert_int_eq(int_at(&r, "clients"), 1);
	reply_fini(&r);
	for (int i = 0; i < 8; i++)
		peer_close(&p[i]);
	peer_close(&q);
	live_stop();
}
END_TEST

/* Whatever a guest asks of it, the child is not there for him. */
START_TEST(anothers_child)
{
	static const char *const methods[] = { "inspect", "cancel", "kill",
		"dump", "attach", "detach", "wait", "subscribe" };
	struct peer root, alice;
	struct reply r;
	struct up u;

	guise_start(config);
	peer_open(&root);
	guise_open(&alice, ALICE, ALICE, 0);
	u = up_start(&root, "", "hang");
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		refused(&alice, "not_found", "id", methods[i], "{'id': %ju}",
		    (uintmax_t)u.id);
	refused(&alice, "not_found", "id", "signal", "{'id': %ju, 'signal': 9}",
	    (uintmax_t)u.id);
	refused(&alice, "not_found", "ids[0]", "wait", "{'ids': [%ju]}",
	    (uintmax_t)u.id);
	ask(&alice, &r, "list", "{'all': true}");
	ck_assert_int_eq(at(&r, "children")->via.array.size, 0);
	reply_fini(&r);
	ask(&alice, &r, "wait", "{'of': 'user'}");
	ck_assert_int_eq(at(&r, "records")->via.array.size, 0);
	ck_assert_int_eq(at(&r, "pending")->via.array.size, 0);
	reply_fini(&r);
	ask(&root, &r, "inspect", "{'id': %ju}", (uintmax_t)u.id);
	ck_assert_str_eq(str_at(&r, "state"), "running");
	reply_fini(&r);
	ask(&root, &r, "kill", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&root, u.id, &r);
	reply_fini(&r);
	refused(&alice, "not_found", "id", "inspect", "{'id': %ju}",
	    (uintmax_t)u.id);
	close(u.out);
	peer_close(&alice);
	peer_close(&root);
	live_stop();
}
END_TEST

/* A subscription to all is one to one's own. */
START_TEST(anothers_events)
{
	struct peer root, alice, mine;
	struct reply r;
	bool output = false, over = false;

	guise_start(config);
	peer_open(&root);
	peer_open(&mine);
	guise_open(&alice, ALICE, ALICE, 0);
	ask(&alice, &r, "subscribe", "{'output': true}");
	reply_fini(&r);
	ask(&mine, &r, "subscribe", "{'output': true}");
	reply_fini(&r);
	run(&root, &r, "{'code': 'print(1)', 'capture': {}}");
	reply_fini(&r);
	/* All is told that will be, once the last event is here. */
	while (!over) {
		peer_next(&mine, &r);
		output = output || strcmp(r.msg.method, "output") == 0;
		over = strcmp(r.msg.method, "exited") == 0;
		reply_fini(&r);
	}
	ck_assert(output);
	alice.id++;
	peer_send(&alice, "ping", "{}");
	peer_next(&alice, &r);
	ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
	reply_fini(&r);
	peer_close(&alice);
	peer_close(&mine);
	peer_close(&root);
	live_stop();
}
END_TEST

START_TEST(what_a_guest_may_not)
{
	struct peer p;
	struct reply r;

	guise_start(config);
	guise_open(&p, ALICE, ALICE, 0);
	refused(&p, "denied", NULL, "shutdown", "{}");
	refused(&p, "denied", "template", "spawn", "{'code': 'pass'}");
	refused(&p, "denied", "template", "spawn",
	    "{'code': 'pass', 'detached': true, 'start': 'cold'}");
	ask(&p, &r, "ping", "{}");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

static int
no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int
seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog all = { .len = 1, .filter = &allow };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all, 0, 0);
}

static int
user_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

/* Only the next process is in it. */
static int
pid_namespace(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID) == -1)
		return -1;
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
	if (pid > 0) {
		/* Our end is its end, too. */
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	return pid == -1 ? -1 : prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static int
nothing(void)
{
	return 0;
}

static void
expect_confined(guise_confine *confine, const char *word)
{
	struct guise g;
	struct reply r;
	uint32_t id;

	guise_begin(&g, confine);
	id = peer_send(&g.p, "ping", "{}");
	peer_response(&g.p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "denied");
	ck_assert_msg(strstr(str_at(&r, "message"), word) != NULL, "%s",
	    str_at(&r, "message"));
	reply_fini(&r);
	guise_end(&g);
}

START_TEST(the_confined)
{
	struct guise g;
	struct reply r;

	live_start(NULL);
	expect_confined(no_new_privs, "no_new_privs");
	expect_confined(seccomp, "seccomp");
	expect_confined(user_namespace, "user namespace");
	expect_confined(pid_namespace, "pid namespace");
	guise_begin(&g, nothing);
	ask(&g.p, &r, "ping", "{}");
	reply_fini(&r);
	guise_end(&g);
	live_stop();
}
END_TEST

START_TEST(the_confined_are_allowed)
{
	static guise_confine *const all[] = { no_new_privs, seccomp,
		user_namespace, pid_namespace };
	struct guise g;
	struct reply r;

	live_start("[server]\nallow_confined = true\n");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		guise_begin(&g, all[i]);
		ask(&g.p, &r, "ping", "{}");
		reply_fini(&r);
		guise_end(&g);
	}
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { who_is_named, nobody_else, everybody,
		those_shut_out_take_no_room, anothers_child, anothers_events,
		what_a_guest_may_not, the_confined, the_confined_are_allowed,
		NULL };

	return harness_main("guests", tests);
}
