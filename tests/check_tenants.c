/*
 * Zygotes of users: as whom children run, that nothing leads from one user to
 * another or back to root, and when such a zygote comes and goes.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/den.h"
#include "tests/guise.h"
#include "tests/hierarchy.h"
#include "tests/template.h"
#include "tests/up.h"

/* Accounts that every Debian has: uid and gid are the same. */
#define DAEMON 1
#define BIN 2
#define SYS 3
#define TEAM 2001

#define SERVER "[server]\nmode = \"0666\"\nallow_users = [\"*\"]\n"
#define PEER \
	"[template.default]\nuser = \"peer\"\npath = [\"%s\"]\n" \
	"preload = [\"trio\", \"jobs\", \"whose\"]\n"

/* What `whose:FN` returns. */
static const char *
told(struct peer *p, const char *params)
{
	struct reply r;
	const char *s;

	ck_assert_int_eq(run(p, &r, "{%s}", params), 0);
	s = str_at(&r, "result");
	reply_fini(&r);
	return s;
}

static void
expect_none(struct peer *p, const char *params)
{
	struct reply r;

	ck_assert_int_eq(run(p, &r, "{%s}", params), 0);
	ck_assert_int_eq(at(&r, "result")->via.array.size, 0);
	reply_fini(&r);
}

START_TEST(each_is_himself)
{
	static const struct {
		uid_t uid;
		gid_t gid, other;
		const char *expected;
	} users[] = {
		{ DAEMON, DAEMON, TEAM,
		    "uid=1 gid=1 groups=2001 caps={0} nnp=0 "
		    "home=/usr/sbin=/usr/sbin user=daemon secret=False" },
		{ BIN, BIN, 0,
		    "uid=2 gid=2 groups= caps={0} nnp=0 "
		    "home=/bin=/bin user=bin secret=False" },
		{ SYS, TEAM, 2002,
		    "uid=3 gid=2001 groups=2002 caps={0} nnp=0 "
		    "home=/dev=/dev user=sys secret=False" },
	};
	struct peer p;

	setenv("SECRET", "of the daemon", 1);
	guise_start(SERVER PEER "idle = 1.0\n");
	for (int i = 0; i < 3; i++) {
		guise_open(&p, users[i].uid, users[i].gid, users[i].other);
		ck_assert_str_eq(told(&p, "'call': 'whose:tell'"),
		    users[i].expected);
		ck_assert_str_eq(told(&p,
				     "'call': 'whose:tell', 'start': 'cold'"),
		    users[i].expected);
		expect_none(&p, "'call': 'whose:ways_back'");
		peer_close(&p);
	}
	live_stop();
}
END_TEST

START_TEST(a_named_user)
{
	struct peer p;

	guise_start(SERVER
	    "[template.default]\nuser = \"games\"\npath = [\"%s\"]\n"
	    "preload = [\"trio\", \"whose\"]\nno_new_privs = true\n");
	guise_open(&p, BIN, BIN, TEAM);
	ck_assert_str_eq(told(&p, "'call': 'whose:tell'"),
	    "uid=5 gid=60 groups=60 caps={0} nnp=1 "
	    "home=/usr/games=/usr/games user=games secret=False");
	expect_none(&p, "'call': 'whose:ways_back'");
	ck_assert_int_eq(template_int(&p, "default", "uid"), 5);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Nothing but the account asks for root: so that is what is refused. */
START_TEST(root_where_it_is_said)
{
	struct peer p;
	struct reply r;

	guise_start(SERVER "[template.default]\npath = [\"%s\"]\n"
			   "[template.open]\nuser = \"root\"\n");
	guise_open(&p, BIN, BIN, 0);
	refused(&p, "denied", "template", "spawn", "{'code': 'pass'}");
	ck_assert_int_eq(
	    run(&p, &r,
		"{'code': 'import os, sys; sys.exit(os.getuid())', "
		"'template': 'open'}"),
	    0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

static pid_t
zygote_of(struct peer *root, uid_t uid)
{
	char path[48];
	struct reply r;
	pid_t pid = 0;

	ask(root, &r, "templates", "{}");
	for (unsigned i = 0; i < at(&r, "templates")->via.array.size; i++) {
		snprintf(path, sizeof(path), "templates.%u.uid", i);
		if (!has(&r, path) || int_at(&r, path) != uid)
			continue;
		snprintf(path, sizeof(path), "templates.%u.pid", i);
		pid = int_at(&r, path);
	}
	reply_fini(&r);
	return pid;
}

START_TEST(nobody_reaches_another)
{
	struct peer root, a, b;
	struct reply r;
	struct up u;
	char params[128];

	guise_start(SERVER PEER "idle = 1.0\n");
	peer_open(&root);
	guise_open(&a, DAEMON, DAEMON, 0);
	guise_open(&b, BIN, BIN, 0);
	u = up_start(&a, "", "hang");
	snprintf(params, sizeof(params),
	    "'call': 'whose:ways_into', 'args': [%d, %d, %d]", (int)u.pid,
	    (int)zygote_of(&root, DAEMON), (int)live.pid);
	expect_none(&b, params);
	refused(&b, "not_found", "id", "signal", "{'id': %ju, 'signal': 9}",
	    (uintmax_t)u.id);
	refused(&b, "not_found", "id", "inspect", "{'id': %ju}",
	    (uintmax_t)u.id);
	/* Its owner may, and root. */
	ask(&a, &r, "inspect", "{'id': %ju}", (uintmax_t)u.id);
	ck_assert_int_eq(int_at(&r, "uid"), DAEMON);
	reply_fini(&r);
	ask(&root, &r, "kill", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&a, u.id, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	close(u.out);
	peer_close(&a);
	peer_close(&b);
	peer_close(&root);
	live_stop();
}
END_TEST

/* Another's zygote is not told of; of one's own the pattern, until it is. */
START_TEST(who_is_told_of_whose)
{
	struct peer root, a, b;
	struct reply r;

	guise_start(SERVER PEER "idle = 1.0\n");
	peer_open(&root);
	guise_open(&a, DAEMON, DAEMON, 0);
	guise_open(&b, BIN, BIN, 0);
	ck_assert_str_eq(template_str(&a, "default", "state"), "idle");
	template_echo(&a, "");
	ck_assert_str_eq(template_str(&a, "default", "state"), "ready");
	ck_assert_int_eq(template_int(&a, "default", "uid"), DAEMON);
	ask(&b, &r, "templates", "{}");
	ck_assert_int_eq(at(&r, "templates")->via.array.size, 1);
	ck_assert_str_eq(str_at(&r, "templates.0.state"), "idle");
	ck_assert_str_eq(str_at(&r, "templates.0.user"), "peer");
	reply_fini(&r);
	ask(&root, &r, "templates", "{}");
	ck_assert_int_eq(at(&r, "templates")->via.array.size, 2);
	reply_fini(&r);
	peer_close(&a);
	peer_close(&b);
	peer_close(&root);
	live_stop();
}
END_TEST

START_TEST(the_idle_go)
{
	struct peer root, a;
	struct reply r;
	struct up u;
	pid_t first;

	guise_start(SERVER PEER "idle = 0.2\n");
	peer_open(&root);
	guise_open(&a, DAEMON, DAEMON, 0);
	template_echo(&a, "");
	first = zygote_of(&root, DAEMON);
	if (first != 0)
		process_gone(first);
	/* Not while a child of it lives, however long. */
	u = up_start(&a, ", 'timeout_ns': 1000000000", "hang");
	first = zygote_of(&root, DAEMON);
	wait_end(&a, u.id, &r);
	ck_assert(bool_at(&r, "timed_out"));
	reply_fini(&r);
	process_gone(first);
	ck_assert_str_eq(template_str(&a, "default", "state"), "idle");
	close(u.out);
	peer_close(&a);
	peer_close(&root);
	live_stop();
}
END_TEST

START_TEST(the_least_used_goes)
{
	struct peer root, p[3];
	struct reply r;
	struct up u[2];
	pid_t first;

	guise_start("[server]\nmode = \"0666\"\nallow_users = [\"*\"]\n"
		    "max_tenants = 2\n" PEER "idle = 8.0\n");
	peer_open(&root);
	for (int i = 0; i < 3; i++)
		guise_open(&p[i], i + 1, i + 1, 0);
	template_echo(&p[0], "");
	first = zygote_of(&root, 1);
	ck_assert_int_ne(first, 0);
	template_echo(&p[1], "");
	template_echo(&p[2], "");
	process_gone(first);
	ck_assert_int_eq(zygote_of(&root, 1), 0);
	ck_assert_int_ne(zygote_of(&root, 2), 0);
	/* One that has a child stays. */
	u[0] = up_start(&p[1], "", "hang");
	u[1] = up_start(&p[2], "", "hang");
	peer_response(&p[0], peer_send(&p[0], "spawn", "{'code': 'pass'}"), &r);
	ck_assert_str_eq(str_at(&r, "code"), "busy");
	ck_assert_str_eq(str_at(&r, "resource"), "tenants");
	ck_assert_int_gt(int_at(&r, "retry_ns"), 0);
	reply_fini(&r);
	/* There is room as soon as one of them is done. */
	ask(&p[2], &r, "kill", "{'id': %ju}", (uintmax_t)u[1].id);
	reply_fini(&r);
	wait_end(&p[2], u[1].id, &r);
	reply_fini(&r);
	template_echo(&p[0], "");
	for (int i = 0; i < 3; i++)
		peer_close(&p[i]);
	close(u[0].out);
	close(u[1].out);
	peer_close(&root);
	live_stop();
}
END_TEST

/* A user who is not the daemon's may not move processes himself. */
START_TEST(in_a_control_group)
{
	struct peer p;
	struct reply r;
	struct den d;
	const char *path;
	pid_t pid;

	if (!hierarchy_enter("in_a_control_group", true))
		return;
	live_start("[template.default]\nuser = \"games\"\npath = [\"%s\"]\n"
		   "preload = [\"trio\", \"leaves\"]\n");
	hierarchy_leave();
	peer_open(&p);
	d = den(&p, SHORT);
	path = folder(&p, d.id);
	ck_assert_str_eq(last_part(group_of(d.pid)), last_part(path));
	pid = d.session;
	den_end(&p, &d, "kill", &r);
	reply_fini(&r);
	process_reaped(pid);
	folder_gone(path);
	peer_close(&p);
	live_stop();
	hierarchy_finish();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { each_is_himself, a_named_user,
		root_where_it_is_said, nobody_reaches_another,
		who_is_told_of_whose, the_idle_go, the_least_used_goes,
		in_a_control_group, NULL };

	return harness_main("tenants", tests);
}
