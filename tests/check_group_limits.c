/*
 * Limits of control groups: which files say what, who may ask for what, and what
 * is told where they cannot be had.  No controller is free where this runs: a
 * group that has them is a folder of plain files, mounted over the real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cgroup_limit.h"
#include "tests/guise.h"
#include "tests/hierarchy.h"
#include "tests/scratch.h"
#include "tests/standbys.h"

#define ALICE 1 /* has an account */

#define PATH "path = [\"%s\"]\npreload = [\"trio\", \"jobs\"]\n"

static void
make_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_msg(fd != -1, "%s: %s", path, strerrordesc_np(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
expect_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd != -1, "%s: %s", path, strerrordesc_np(errno));
	ck_assert_str_eq(read_text(fd, false), text);
	close(fd);
}

static void
make_limits(const char *dir)
{
	for (int i = 0; i < GROUP_LIMITS; i++)
		make_file(dir, group_limit_file(i), "");
}

/* A folder of files as a group below which there are these controllers. */
static void
make_base(char *dir, const char *there, const char *on)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	make_file(dir, "cgroup.controllers", there);
	make_file(dir, "cgroup.subtree_control", on);
	make_limits(dir);
}

static void
remove_base(const char *dir)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

START_TEST(files)
{
	char *dir = scratch("groups");
	struct group_limits l = { .value = { 67108864, 50, GROUP_INFINITY } };
	struct group_limits none = { 0 };
	struct err e;

	make_base(dir, "cpu memory pids\n", "");
	ck_assert_int_eq(cgroup_limit(dir, &none, &e), 0);
	expect_file(dir, "memory.max", "");
	ck_assert_int_eq(cgroup_limit(dir, &l, &e), 0);
	expect_file(dir, "memory.max", "67108864");
	expect_file(dir, "cpu.weight", "50");
	expect_file(dir, "pids.max", "max");
	remove_base(dir);
	ck_assert_int_eq(cgroup_limit(dir, &l, &e), -1);
	ck_assert_int_eq(e.sys, ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "/memory.max\""));
}
END_TEST

START_TEST(controllers)
{
	static const char *const orders[GROUP_LIMITS] = { "+memory", "+cpu",
		"+pids" };
	char *dir = scratch("groups");
	struct group_limits none = { 0 };
	struct err e;

	make_base(dir, "cpuset cpu memory pids\n", "");
	ck_assert_int_eq(cgroup_limit_ready(dir, &none, "", &e), 0);
	expect_file(dir, "cgroup.subtree_control", "");
	for (int i = 0; i < GROUP_LIMITS; i++) {
		struct group_limits l = { 0 };
		char key[64];

		l.value[i] = 1;
		make_file(dir, "cgroup.controllers",
		    "cpuset cpu memory pids\n");
		make_file(dir, "cgroup.subtree_control", "cpuset\n");
		ck_assert_int_eq(cgroup_limit_ready(dir, &l, "", &e), 0);
		expect_file(dir, "cgroup.subtree_control",
		    strlen(orders[i]) == 7 ?
			orders[i] :
			(i == GROUP_CPU_WEIGHT ? "+cpuet\n" : "+pidst\n"));
		/* It is on. */
		make_file(dir, "cgroup.subtree_control", "cpu memory pids\n");
		ck_assert_int_eq(cgroup_limit_ready(dir, &l, "", &e), 0);
		expect_file(dir, "cgroup.subtree_control", "cpu memory pids\n");
		/* Others are there, one whose name begins alike too. */
		make_file(dir, "cgroup.subtree_control", "");
		make_file(dir, "cgroup.controllers", "cpuset io\n");
		ck_assert_int_eq(cgroup_limit_ready(dir, &l, "template.a.", &e),
		    -1);
		ck_assert_int_eq(e.code, ERR_INVALID_PARAMS);
		snprintf(key, sizeof(key), "template.a.%s",
		    group_limit_name(i));
		ck_assert_str_eq(e.key, key);
		ck_assert_ptr_nonnull(strstr(e.msg, group_limit_controller(i)));
		ck_assert_ptr_nonnull(strstr(e.msg, dir));
		expect_file(dir, "cgroup.subtree_control", "");
	}
	remove_base(dir);
}
END_TEST

/* The daemon has no group to divide. */
START_TEST(no_groups)
{
	struct peer p;
	struct reply r;

	live_start("[server]\ncgroup = \"off\"\n"
		   "[template.default]\n" PATH
		   "[template.held]\npids_max = 10\n" PATH);
	peer_open(&p);
	refused(&p, "invalid_params", "memory_max", "spawn",
	    "{'code': '1', 'memory_max': '64M'}");
	refused(&p, "invalid_params", "cpu_weight", "spawn",
	    "{'code': '1', 'cpu_weight': 50}");
	peer_response(&p,
	    peer_send(&p, "spawn", "{'code': '1', 'template': 'held'}"), &r);
	ck_assert_str_eq(str_at(&r, "code"), "template_failed");
	ck_assert_ptr_nonnull(strstr(str_at(&r, "message"),
	    "\"template.held.pids_max\" takes the controller \"pids\""));
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r, "{'code': '1'}"), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* It has one, without a controller. */
START_TEST(no_controllers)
{
	char path[512], *text;
	struct peer p;
	struct reply r;
	int fd;

	if (!hierarchy_enter("group_limits.no_controllers", true))
		return;
	live_start(NULL);
	hierarchy_leave();
	snprintf(path, sizeof(path), "%s/cgroup.controllers", hierarchy_home);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	text = kept(strdup(read_text(fd, false)));
	close(fd);
	peer_open(&p);
	if (strstr(text, "pids") == NULL) {
		peer_response(&p,
		    peer_send(&p, "spawn", "{'code': '1', 'pids_max': 10}"),
		    &r);
		ck_assert_str_eq(str_at(&r, "code"), "invalid_params");
		ck_assert_str_eq(str_at(&r, "key"), "pids_max");
		ck_assert_ptr_nonnull(strstr(str_at(&r, "message"),
		    hierarchy_home));
		reply_fini(&r);
	}
	ck_assert_int_eq(run(&p, &r, "{'code': '1'}"), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
	hierarchy_finish();
}
END_TEST

static char fake[64];

static void
cover(const char *name)
{
	char from[512], to[512];

	snprintf(from, sizeof(from), "%s/%s", fake, name);
	snprintf(to, sizeof(to), "%s/%s", hierarchy_home, name);
	ck_assert_msg(mount(from, to, NULL, MS_BIND, NULL) == 0, "%s: %s", to,
	    strerrordesc_np(errno));
}

/* As hierarchy_enter; the controllers seem to be there. */
static bool
enter_covered(const char *name)
{
	if (!hierarchy_enter(name, true))
		return false;
	strcpy(fake, scratch("groups"));
	make_base(fake, "cpu memory pids\n", "cpu memory pids\n");
	cover("cgroup.controllers");
	cover("cgroup.subtree_control");
	return true;
}

static void
finish_covered(void)
{
	char path[512];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", hierarchy_home,
		    i == 0 ? "cgroup.controllers" : "cgroup.subtree_control");
		ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
	}
	remove_base(fake);
	hierarchy_finish();
}

/* Into the group that it was born in, before it is anybody's. */
START_TEST(of_a_standby)
{
	char pattern[512];
	struct peer p;
	struct reply r;
	uint64_t id;
	glob_t g;

	if (!enter_covered("group_limits.of_a_standby"))
		return;
	live_start_standbys("[template.default]\nmemory_max = \"128M\"\n"
			    "pids_max = 100\nstandby_min = 1\n"
			    "standby_max = 1\n" PATH);
	hierarchy_leave();
	snprintf(pattern, sizeof(pattern), "%s/child-*", hierarchy_home);
	ck_assert_int_eq(glob(pattern, 0, NULL, &g), 0);
	ck_assert_uint_eq(g.gl_pathc, 1);
	ck_assert_int_eq(mount("none", g.gl_pathv[0], "tmpfs", 0, NULL), 0);
	make_limits(g.gl_pathv[0]);
	peer_open(&p);
	ask(&p, &r, "spawn",
	    "{'call': 'jobs:hang', 'memory_max': '64M', 'cpu_weight': 50}");
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	id = (uint64_t)int_at(&r, "id");
	reply_fini(&r);
	expect_file(g.gl_pathv[0], "memory.max", "67108864");
	expect_file(g.gl_pathv[0], "cpu.weight", "50");
	expect_file(g.gl_pathv[0], "pids.max", "100");
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_int_eq(int_at(&r, "memory_max"), 67108864);
	ck_assert_int_eq(int_at(&r, "cpu_weight"), 50);
	ck_assert_int_eq(int_at(&r, "pids_max"), 100);
	reply_fini(&r);
	ask(&p, &r, "templates", "{}");
	ck_assert_int_eq(int_at(&r, "templates.0.memory_max"), 134217728);
	ck_assert(!has(&r, "templates.0.cpu_weight"));
	reply_fini(&r);
	ck_assert_int_eq(umount2(g.gl_pathv[0], MNT_DETACH), 0);
	globfree(&g);
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	wait_end(&p, id, &r);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
	finish_covered();
}
END_TEST

/* That others are in the same message is no matter. */
static void
one_of_three(struct peer *p)
{
	uint32_t asked[3];
	struct reply r;

	standby_stop(live.pid);
	for (int i = 0; i < 3; i++)
		asked[i] = peer_send(p, "spawn",
		    "{'code': '1', 'start': 'warm'%s}",
		    i == 1 ? ", 'pids_max': 10" : "");
	ck_assert_int_eq(kill(live.pid, SIGCONT), 0);
	peer_response(p, asked[1], &r);
	ck_assert_str_eq(str_at(&r, "code"), "system");
	reply_fini(&r);
	for (int i = 0; i < 3; i += 2) {
		peer_response(p, asked[i], &r);
		ck_assert_int_gt(int_at(&r, "pid"), 0);
		reply_fini(&r);
	}
}

/* A group without the file: nobody runs with less than was asked for. */
START_TEST(not_written)
{
	struct peer p;
	struct reply r;

	if (!enter_covered("group_limits.not_written"))
		return;
	live_start_standbys("[template.default]\nstandby_min = 1\n"
			    "standby_max = 1\n" PATH);
	hierarchy_leave();
	peer_open(&p);
	for (int i = 0; i < 2; i++) {
		peer_response(&p,
		    peer_send(&p, "spawn",
			"{'code': '1', 'start': '%s', 'pids_max': 10}",
			i == 0 ? "any" : "warm"),
		    &r);
		ck_assert_str_eq(str_at(&r, "code"), "system");
		ck_assert_int_eq(int_at(&r, "errno"), ENOENT);
		ck_assert_ptr_nonnull(strstr(str_at(&r, "message"),
		    "/pids.max\""));
		reply_fini(&r);
		ck_assert_int_eq(run(&p, &r, "{'code': '1'}"), 0);
		reply_fini(&r);
	}
	one_of_three(&p);
	peer_close(&p);
	live_stop();
	finish_covered();
}
END_TEST

START_TEST(never_above_the_templates)
{
	struct peer alice;

	if (!enter_covered("group_limits.never_above_the_templates"))
		return;
	guise_start("[server]\nmode = \"0666\"\nallow_users = [\"*\"]\n"
		    "[template.default]\nuser = \"peer\"\n"
		    "memory_max = \"64M\"\npids_max = 10\n" PATH);
	hierarchy_leave();
	guise_open(&alice, ALICE, ALICE, 0);
	refused(&alice, "denied", "memory_max", "spawn",
	    "{'code': '1', 'memory_max': 67108865}");
	refused(&alice, "denied", "memory_max", "spawn",
	    "{'code': '1', 'memory_max': 'infinity'}");
	refused(&alice, "denied", "pids_max", "spawn",
	    "{'code': '1', 'pids_max': 11}");
	/* Of which it names none: the kernel's default. */
	refused(&alice, "denied", "cpu_weight", "spawn",
	    "{'code': '1', 'cpu_weight': 101}");
	refused(&alice, "invalid_params", "contain", "spawn",
	    "{'code': '1', 'contain': false}");
	/* As much is not too much: it is the file that is missing. */
	refused(&alice, "system", NULL, "spawn",
	    "{'code': '1', 'memory_max': '64M', 'pids_max': 10,"
	    " 'cpu_weight': 100}");
	peer_close(&alice);
	live.baseline++; /* her zygote */
	live_stop();
	finish_covered();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { files, controllers, no_groups,
		no_controllers, of_a_standby, not_written,
		never_above_the_templates, NULL };

	return harness_main("group_limits", tests);
}
