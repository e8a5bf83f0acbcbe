/*
 * What the machine has no more of: who asks is told, and served again as soon as
 * there is some.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/guise.h"
#include "tests/scratch.h"
#include "tests/up.h"

/* An account that no other suite has processes of. */
#define PROXY 13
#define PROXYS "[server]\nmode = \"0666\"\nallow_users = [\"proxy\"]\n"

#define MANY 600

static struct peer crowd[MANY];

static void
limit(pid_t pid, int resource, rlim_t soft)
{
	struct rlimit r;

	ck_assert_int_eq(prlimit(pid, resource, NULL, &r), 0);
	r.rlim_cur = soft;
	ck_assert_int_eq(prlimit(pid, resource, &r, NULL), 0);
}

/* The answer to a request that may be refused; whether it is, for want of
 * RESOURCE. */
static bool
is_busy(struct peer *p, uint32_t id, const char *resource)
{
	struct reply r;
	bool busy;

	peer_response(p, id, &r);
	busy = has(&r, "code");
	if (busy) {
		ck_assert_str_eq(str_at(&r, "code"), "busy");
		ck_assert_str_eq(str_at(&r, "resource"), resource);
		ck_assert_int_gt(int_at(&r, "retry_ns"), 0);
	}
	reply_fini(&r);
	return busy;
}

/* Connects until it is refused; returns how many were not. */
static size_t
connect_all(void)
{
	size_t n = 0;

	for (; n < MANY; n++) {
		peer_open(&crowd[n]);
		if (is_busy(&crowd[n], peer_send(&crowd[n], "ping", "{}"),
			"descriptors"))
			break;
	}
	ck_assert_msg(n > 0 && n < MANY, "%zu connections are there", n);
	peer_closed(&crowd[n]);
	peer_close(&crowd[n]);
	return n;
}

START_TEST(descriptors)
{
	struct rlimit r;
	struct peer p, late[40];
	struct reply reply;
	uint32_t ids[40];
	unsigned spawned = 0;
	size_t n;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	live_start("[server]\nmax_clients = 2000\n"
		   "[template.default]\npath = [\"%s\"]\n");
	limit(getpid(), RLIMIT_NOFILE, r.rlim_max);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &reply, "{'code': '1'}"), 0);
	reply_fini(&reply);
	limit(live.pid, RLIMIT_NOFILE, 256);
	n = connect_all();
	/* The one who was refused has left his. */
	while (!is_busy(&p, peer_send(&p, "spawn", "{'call': 'jobs:hang'}"),
	    "descriptors"))
		ck_assert_uint_lt(++spawned, 8);
	/* Of those who come now some are told, and all wait or are served. */
	for (size_t i = 0; i < 40; i++) {
		peer_open(&late[i]);
		ids[i] = peer_send(&late[i], "ping", "{}");
	}
	/* Meanwhile it is there for who is. */
	ask(&p, &reply, "ping", "{}");
	reply_fini(&reply);
	for (size_t i = 0; i < n; i++)
		peer_close(&crowd[i]);
	for (size_t i = 0; i < 40; i++) {
		is_busy(&late[i], ids[i], "descriptors");
		peer_close(&late[i]);
	}
	ck_assert_int_eq(run(&p, &reply, "{'code': '1'}"), 0);
	reply_fini(&reply);
	peer_close(&p);
	live_stop();
}
END_TEST

/* Each of a zygote's children takes one of its descriptors. */
START_TEST(descriptors_of_a_zygote)
{
	struct rlimit mine, its;
	struct peer p;
	struct reply r;
	pid_t zygote;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &mine), 0);
	live_start("[template.default]\npath = [\"%s\"]\n"
		   "preload = [\"trio\", \"limited\"]\n");
	peer_open(&p);
	zygote = live_zygote(&p);
	ck_assert_int_eq(prlimit(zygote, RLIMIT_NOFILE, NULL, &its), 0);
	ck_assert_uint_eq(its.rlim_cur, mine.rlim_max);
	/* Its children have not what it has taken for itself. */
	ck_assert_int_eq(run(&p, &r, "{'call': 'limited:limits'}"), 0);
	ck_assert_uint_eq((rlim_t)int_at(&r, "result.nofile.0"),
	    mine.rlim_cur < 1024 ? 1024 : mine.rlim_cur);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The limit does not hold for root. */
START_TEST(processes)
{
	struct rlimit r;
	struct peer p;
	struct reply reply;
	uint64_t ids[32];
	size_t n = 0;

	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &r), 0);
	/* Two threads of the zygote, the canary, and some children. */
	limit(getpid(), RLIMIT_NPROC, 8);
	guise_start(PROXYS "[template.default]\nuser = \"proxy\"\n"
			   "path = [\"%s\"]\npreload = [\"trio\", \"jobs\"]\n");
	limit(getpid(), RLIMIT_NPROC, r.rlim_cur);
	guise_open(&p, PROXY, PROXY, 0);
	for (; n < 32; n++) {
		peer_response(&p,
		    peer_send(&p, "spawn", "{'call': 'jobs:hang'}"), &reply);
		if (has(&reply, "code"))
			break;
		ids[n] = (uint64_t)int_at(&reply, "id");
		reply_fini(&reply);
	}
	ck_assert_msg(n > 0 && n < 32, "%zu children are there", n);
	ck_assert_str_eq(str_at(&reply, "code"), "busy");
	ck_assert_str_eq(str_at(&reply, "resource"), "processes");
	reply_fini(&reply);
	ask(&p, &reply, "kill", "{'id': %ju}", (uintmax_t)ids[0]);
	reply_fini(&reply);
	wait_end(&p, ids[0], &reply);
	reply_fini(&reply);
	ids[0] = spawn(&p, "{'call': 'jobs:hang'}");
	for (size_t i = 0; i < n; i++) {
		ask(&p, &reply, "kill", "{'id': %ju}", (uintmax_t)ids[i]);
		reply_fini(&reply);
		wait_end(&p, ids[i], &reply);
		reply_fini(&reply);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* Of the disk that the daemon's log is on, and that a child writes to. */
START_TEST(space)
{
	int err = fcntl(2, F_DUPFD_CLOEXEC, 10);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct peer p;
	struct reply r;

	ck_assert_int_ge(err, 0);
	ck_assert_int_ge(full, 0);
	ck_assert_int_eq(dup2(full, 2), 2);
	close(full);
	live_start(NULL);
	ck_assert_int_eq(dup2(err, 2), 2);
	close(err);
	peer_open(&p);
	/* As python's own. */
	ck_assert_int_eq(run(&p, &r,
			     "{'code': 'print(1)', 'files': [{'fd': 1,"
			     " 'path': '/dev/full', 'access': 'write'}]}"),
	    120);
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r, "{'code': 'print(1)'}"), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The params of a child that prints to NAME in DIR. */
static const char *
printing(const char *dir, const char *name)
{
	char *s;

	ck_assert(asprintf(&s,
		      "{'code': 'print(1)', 'files': [{'fd': 1, 'path': "
		      "'%s/%s', 'access': 'write'}]}",
		      dir, name) > 0);
	return kept(s);
}

/* A child's own files, where the file system has room for one more. */
START_TEST(full_file_system)
{
	const char *dir = mkdtemp(scratch("check"));
	struct peer p;
	struct reply r;
	char *path;

	ck_assert(dir != NULL);
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", dir, "tmpfs", 0, "nr_inodes=2") == -1) {
		printf("SKIP exhausted.full_file_system: cannot mount: %s\n",
		    strerrordesc_np(errno));
		rmdir(dir);
		return;
	}
	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "%s", printing(dir, "a")), 0);
	reply_fini(&r);
	peer_response(&p, peer_send(&p, "spawn", "%s", printing(dir, "b")), &r);
	ck_assert_str_eq(str_at(&r, "code"), "setup_failed");
	ck_assert_str_eq(str_at(&r, "step"), "files");
	ck_assert_int_eq(int_at(&r, "errno"), ENOSPC);
	reply_fini(&r);
	ck_assert(asprintf(&path, "%s/a", dir) > 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(run(&p, &r, "%s", printing(dir, "b")), 0);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
	free(path);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { descriptors, descriptors_of_a_zygote,
		processes, space, full_file_system, NULL };

	return harness_main("exhausted", tests);
}
