/*
 * Reload of templates that run as users: each user's own zygote is made anew,
 * too, and whose a template is may change.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/guise.h"
#include "tests/template.h"
#include "tests/up.h"

/* Accounts that every Debian has. */
#define DAEMON 1
#define BIN 2
#define GAMES 5

/* The default template; USER is text of its table. */
#define OF(user, preload) \
	"[server]\nmode = \"0666\"\nallow_users = [\"*\"]\n" \
	"[template.default]\n" user "path = [\"%s\"]\n" \
	"preload = [\"trio\", \"jobs\"" preload "]\n"
#define PEER "user = \"peer\"\nidle = 10.0\n"

/* The reply to a reload that told of N templates. */
static void
reload(struct peer *root, const char *config, unsigned n, struct reply *r)
{
	live_configure(config);
	ask(root, r, "reload", "{}");
	ck_assert_uint_eq(at(r, "templates")->via.array.size, n);
	ck_assert_uint_eq(at(r, "restart")->via.array.size, 0);
}

static void
expect_step(const struct reply *r, unsigned i, const char *change)
{
	char path[32];

	snprintf(path, sizeof(path), "templates.%u.name", i);
	ck_assert_str_eq(str_at(r, path), "default");
	snprintf(path, sizeof(path), "templates.%u.change", i);
	ck_assert_str_eq(str_at(r, path), change);
}

/* A child of P's user runs as UID, is of GENERATION (0: whichever), and has CSV
 * or not. */
static void
expect_child(struct peer *p, uid_t uid, int64_t generation, bool csv)
{
	struct reply r;

	ck_assert_int_eq(run(p, &r,
			     "{'code': 'import os, sys; sys.exit(os.getuid() + "
			     "100 * (\"csv\" in sys.modules))'}"),
	    (int)uid + 100 * csv);
	if (generation != 0)
		ck_assert_int_eq(int_at(&r, "generation"), generation);
	reply_fini(&r);
}

START_TEST(each_users_own_is_renewed)
{
	struct peer root, a, b;
	struct reply r;
	struct up u;
	pid_t old;

	guise_start(OF(PEER, ""));
	peer_open(&root);
	guise_open(&a, DAEMON, DAEMON, 0);
	guise_open(&b, BIN, BIN, 0);
	u = up_start(&a, "", "hang");
	old = template_int(&a, "default", "pid");
	reload(&root, OF(PEER, ", \"csv\""), 2, &r);
	expect_step(&r, 0, "changed");
	expect_step(&r, 1, "renewed");
	ck_assert(!has(&r, "templates.0.uid"));
	ck_assert_int_eq(int_at(&r, "templates.1.uid"), DAEMON);
	ck_assert_int_eq(int_at(&r, "templates.1.generation"), 2);
	ck_assert(!has(&r, "templates.1.error"));
	reply_fini(&r);
	expect_child(&a, DAEMON, 2, true);
	expect_child(&b, BIN, 1, true);
	/* The child of the first generation has kept its zygote. */
	ck_assert_int_eq(kill(u.pid, 0), 0);
	ck_assert_int_eq(kill(old, 0), 0);
	ask(&a, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&a, u.id, &r);
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	reply_fini(&r);
	process_reaped(old);
	close(u.out);
	peer_close(&b);
	peer_close(&a);
	peer_close(&root);
	live_stop();
}
END_TEST

START_TEST(a_failure_keeps_a_users_own)
{
	struct peer root, a, b;
	struct reply r;

	guise_start(OF(PEER, ""));
	peer_open(&root);
	guise_open(&a, DAEMON, DAEMON, 0);
	guise_open(&b, BIN, BIN, 0);
	expect_child(&a, DAEMON, 1, false);
	reload(&root, OF(PEER, ", \"no_such_module\""), 2, &r);
	expect_step(&r, 1, "renewed");
	ck_assert_int_eq(int_at(&r, "templates.1.serves"), 1);
	ck_assert_str_eq(str_at(&r, "templates.1.error.key"),
	    "template.default.preload[2]");
	reply_fini(&r);
	expect_child(&a, DAEMON, 1, false);
	/* Who has none yet has none to keep. */
	refused(&b, "template_failed", NULL, "spawn", "{'code': 'pass'}");
	reload(&root, OF(PEER, ", \"csv\""), 3, &r);
	reply_fini(&r);
	expect_child(&a, DAEMON, 3, true);
	expect_child(&b, BIN, 0, true); /* it was tried anew meanwhile */
	peer_close(&b);
	peer_close(&a);
	peer_close(&root);
	live_stop();
}
END_TEST

/* A child of a template that is another's now ends as what it was. */
START_TEST(another_users)
{
	struct peer root, a;
	struct reply r;
	struct up u;

	guise_start(OF(PEER, ""));
	peer_open(&root);
	guise_open(&a, DAEMON, DAEMON, 0);
	u = up_start(&a, "", "hang");
	reload(&root, OF("user = \"games\"\n", ""), 3, &r);
	expect_step(&r, 0, "removed");
	expect_step(&r, 1, "removed");
	expect_step(&r, 2, "added");
	reply_fini(&r);
	expect_child(&a, GAMES, 1, false);
	reload(&root, OF("user = \"bin\"\n", ""), 1, &r);
	expect_step(&r, 0, "renewed");
	reply_fini(&r);
	expect_child(&a, BIN, 2, false);
	reload(&root, OF("", ""), 1, &r);
	reply_fini(&r);
	refused(&a, "denied", "template", "spawn", "{'code': 'pass'}");
	expect_child(&root, 0, 3, false);
	reload(&root, OF(PEER, ""), 2, &r);
	expect_step(&r, 0, "removed");
	expect_step(&r, 1, "added");
	ck_assert(!has(&r, "templates.1.generation"));
	reply_fini(&r);
	expect_child(&a, DAEMON, 1, false);
	ck_assert_int_eq(kill(u.pid, 0), 0);
	ask(&a, &r, "kill", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&a, u.id, &r);
	reply_fini(&r);
	close(u.out);
	peer_close(&a);
	peer_close(&root);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { each_users_own_is_renewed,
		a_failure_keeps_a_users_own, another_users, NULL };

	return harness_main("reload_users", tests);
}
