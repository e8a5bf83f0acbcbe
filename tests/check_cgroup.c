/*
 * Control groups: what a child has moved to a session of its own ends with it.
 * The hierarchy is mounted for each test, in a mount namespace of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/den.h"
#include "tests/harness.h"
#include "tests/hierarchy.h"
#include "tests/modes.h"

/* A daemon in the hierarchy.  False: as hierarchy_enter. */
static bool
begin(const char *name, bool mark, const char *config)
{
	if (!hierarchy_enter(name, mark))
		return false;
	live_start(config);
	hierarchy_leave();
	return true;
}

/* Removes the next group that is made for a child. */
static void
take_group(void)
{
	struct pollfd p = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
	char buf[4096], path[512];
	DIR *d;
	const struct dirent *f;

	ck_assert_int_ne(p.fd, -1);
	ck_assert_int_ne(inotify_add_watch(p.fd, hierarchy_home, IN_CREATE),
	    -1);
	for (;;) {
		/* It may have been made before it was watched. */
		d = opendir(hierarchy_home);
		ck_assert_ptr_nonnull(d);
		while ((f = readdir(d)) != NULL &&
		    strncmp(f->d_name, "child-", 6) != 0)
			;
		if (f != NULL)
			break;
		closedir(d);
		ck_assert_int_eq(poll(&p, 1, DEADLINE_S * 1000), 1);
		ck_assert(read(p.fd, buf, sizeof(buf)) > 0);
	}
	snprintf(path, sizeof(path), "%s/%s", hierarchy_home, f->d_name);
	ck_assert_int_eq(rmdir(path), 0);
	closedir(d);
	close(p.fd);
}

/* In every way to end a child from outside, and to start it. */
START_TEST(sessions_go)
{
	static const char *const ways[] = { "cancel", "kill" };
	static const char *const starts[] = { SHORT, ", 'start': 'cold'" SHORT,
		", 'template': 'isolated'" SHORT };
	struct peer p;
	struct reply r;
	struct den d;
	const char *path;

	if (!begin("cgroup.sessions_go", true, TWO_MODES))
		return;
	peer_open(&p);
	ask(&p, &r, "status", "{}");
	ck_assert_str_eq(str_at(&r, "cgroup"), hierarchy_home);
	reply_fini(&r);
	ck_assert_str_eq(last_part(group_of(live.pid)), "daemon");
	for (int i = 0; i < 2 * 3; i++) {
		d = den(&p, starts[i / 2]);
		path = folder(&p, d.id);
		ck_assert_int_eq(strncmp(path, hierarchy_home,
				     strlen(hierarchy_home)),
		    0);
		ck_assert_str_eq(last_part(group_of(d.pid)), last_part(path));
		ck_assert_str_eq(group_of(d.session), group_of(d.pid));
		den_end(&p, &d, ways[i % 2], &r);
		ck_assert_int_eq(bool_at(&r, "killed"), i % 2);
		reply_fini(&r);
		process_gone(d.group);
		process_gone(d.session);
		folder_gone(path);
		ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)d.id);
		ck_assert(!has(&r, "cgroup"));
		reply_fini(&r);
		close(d.out);
	}
	peer_close(&p);
	live.baseline += 2; /* two zygotes more */
	live_stop();
	hierarchy_finish();
}
END_TEST

/* A spawn may ask to be left out; it must ask in the right words. */
START_TEST(sessions_stay_where_asked)
{
	struct peer p;
	struct reply r;
	struct den d;

	if (!begin("cgroup.sessions_stay_where_asked", true, NULL))
		return;
	peer_open(&p);
	refused(&p, "invalid_params", "contain", "spawn",
	    "{'code': '1', 'contain': 0}");
	d = den(&p, ", 'contain': false" SHORT);
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)d.id);
	ck_assert(!has(&r, "cgroup"));
	reply_fini(&r);
	ck_assert_str_eq(last_part(group_of(d.pid)), "daemon");
	den_end(&p, &d, "cancel", &r);
	reply_fini(&r);
	process_gone(d.group);
	lives_on(d.session);
	close(d.out);
	peer_close(&p);
	live_stop();
	hierarchy_finish();
}
END_TEST

/* As under python; the group stays for as long as there is somebody in it. */
START_TEST(sessions_stay_behind_one_that_ends_itself)
{
	struct peer p;
	struct reply r;
	struct den d;
	const char *path;

	if (!begin("cgroup.sessions_stay_behind_one_that_ends_itself", true,
		NULL))
		return;
	peer_open(&p);
	d = den_of_one(&p, true, &r);
	reply_fini(&r);
	path = kept(malloc(512));
	sprintf((char *)path, "%s/%s", hierarchy_home,
	    last_part(group_of(d.session)));
	ck_assert_int_eq(access(path, F_OK), 0);
	lives_on(d.session);
	folder_gone(path);
	close(d.out);
	peer_close(&p);
	live_stop();
	hierarchy_finish();
}
END_TEST

START_TEST(sessions_go_when_the_daemon_dies)
{
	struct peer p;
	struct den leased, detached;
	const char *paths[2];
	int status;

	if (!begin("cgroup.sessions_go_when_the_daemon_dies", true, NULL))
		return;
	peer_open(&p);
	leased = den(&p, SHORT);
	detached = den(&p, ", 'detached': true");
	paths[0] = folder(&p, leased.id);
	paths[1] = folder(&p, detached.id);
	kill(live.pid, SIGKILL);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	process_gone(leased.pid);
	process_gone(leased.group);
	process_gone(leased.session);
	lives_on(detached.group);
	lives_on(detached.session);
	lives_on(detached.pid);
	live_no_process();
	/* The folders are the next daemon's to remove. */
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(rmdir(paths[i]), 0);
	close(leased.out);
	close(detached.out);
	peer_close(&p);
	hierarchy_finish();
}
END_TEST

/* A program may divide its group itself. */
START_TEST(groups_below_go)
{
	struct peer p;
	struct reply r;
	char path[512];
	uint32_t q;
	uint64_t id;
	int out[2];
	pid_t left;

	if (!begin("cgroup.groups_below_go", true, NULL))
		return;
	peer_open(&p);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(&p, "spawn", &out[1], 1,
	    "{'call': 'leaves:divides', 'args': ['%s'], 'fds': [1]" SHORT "}",
	    hierarchy_mounted);
	close(out[1]);
	peer_response(&p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	snprintf(path, sizeof(path), "%s", folder(&p, id));
	left = atoi(read_text(out[0], true));
	ck_assert_str_eq(last_part(group_of(left)), "below");
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	process_gone(left);
	folder_gone(path);
	close(out[0]);
	peer_close(&p);
	live_stop();
	hierarchy_finish();
}
END_TEST

/* Told so, without a mark; or told not to, with one. */
START_TEST(as_configured)
{
	struct peer p;
	struct reply r;

	for (int on = 0; on < 2; on++) {
		if (!begin("cgroup.as_configured", on == 0,
			on == 1 ? "[server]\ncgroup = \"on\"\n" :
				  "[server]\ncgroup = \"off\"\n"))
			return;
		peer_open(&p);
		ask(&p, &r, "status", "{}");
		ck_assert_int_eq(has(&r, "cgroup"), on);
		reply_fini(&r);
		ck_assert_str_eq(last_part(group_of(live.pid)),
		    on == 1 ? "daemon" : last_part(hierarchy_home));
		peer_close(&p);
		live_stop();
		hierarchy_finish();
	}
}
END_TEST

/* Where no group can be made, or not be entered, the spawn says so. */
START_TEST(faults_are_told)
{
	struct peer p;
	struct reply r;
	uint32_t q;
	pid_t zygote;

	if (!begin("cgroup.faults_are_told", true, NULL))
		return;
	peer_open(&p);
	ck_assert_int_eq(hierarchy_put(hierarchy_home, "cgroup.max.descendants",
			     "1"),
	    0);
	refused(&p, "busy", NULL, "spawn", "{'code': '1'}");
	ck_assert_int_eq(run(&p, &r, "{'code': '1', 'contain': false}"), 0);
	reply_fini(&r);
	ck_assert_int_eq(hierarchy_put(hierarchy_home, "cgroup.max.descendants",
			     "max"),
	    0);
	/* The child finds that its group has been removed. */
	zygote = live_zygote(&p);
	ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
	q = peer_send(&p, "spawn", "{'code': '1'}");
	take_group();
	ck_assert_int_eq(kill(zygote, SIGCONT), 0);
	peer_response(&p, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "setup_failed");
	ck_assert_str_eq(str_at(&r, "step"), "cgroup");
	ck_assert_int_eq(int_at(&r, "errno"), ENOENT);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
	hierarchy_finish();
}
END_TEST

/* For this process and what it starts the kernel has no watch.  False: that
 * cannot be. */
static bool
deny_watches(void)
{
	return unshare(CLONE_NEWUSER) == 0 &&
	    hierarchy_put("/proc/self", "uid_map", "0 0 1") == 0 &&
	    hierarchy_put("/proc/sys/user", "max_inotify_watches", "0") == 0;
}

/* A daemon without watches, and a child of its that ends by itself and leaves a
 * session behind; tells TO where, once that has gone.  Stops it after a byte from
 * FROM. */
static _Noreturn void
leave_unwatched(int to, int from)
{
	char path[512] = "";
	struct peer p;
	struct reply r;
	struct den d;

	if (!deny_watches()) {
		printf("SKIP cgroup.unwatched: cannot take away watches: %s\n",
		    strerrordesc_np(errno));
		fflush(stdout);
		_exit(0);
	}
	live_start(NULL);
	hierarchy_leave();
	peer_open(&p);
	d = den_of_one(&p, true, &r);
	reply_fini(&r);
	snprintf(path, sizeof(path), "%s/%s", hierarchy_home,
	    last_part(group_of(d.session)));
	ck_assert_int_eq(access(path, F_OK), 0);
	lives_on(d.session);
	ck_assert_int_eq(write(to, path, sizeof(path)), sizeof(path));
	ck_assert_int_eq(read(from, path, 1), 1);
	close(d.out);
	peer_close(&p);
	live_stop();
	_exit(0);
}

/* A group that cannot be watched is removed all the same. */
START_TEST(unwatched)
{
	char path[512];
	int to[2], from[2], status;
	pid_t pid;

	if (!hierarchy_enter("cgroup.unwatched", true))
		return;
	ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		leave_unwatched(to[1], from[0]);
	hierarchy_leave();
	close(to[1]);
	if (read(to[0], path, sizeof(path)) == sizeof(path)) {
		folder_gone(path);
		ck_assert_int_eq(write(from[1], "", 1), 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(to[0]);
	close(from[0]);
	close(from[1]);
	hierarchy_finish();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { sessions_go, sessions_stay_where_asked,
		sessions_stay_behind_one_that_ends_itself,
		sessions_go_when_the_daemon_dies, groups_below_go,
		as_configured, faults_are_told, unwatched, NULL };

	return harness_main("cgroup", tests);
}
