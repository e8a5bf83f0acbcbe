/*
 * What a child finds around it: environment, directory, umask, arguments,
 * title, descriptors by number, terminal; byte for byte.
 */
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"

static void
expect_bytes(const struct reply *r, const char *path, const char *want,
    size_t n)
{
	const msgpack_object *o = at(r, path);

	ck_assert_int_eq(o->type, MSGPACK_OBJECT_BIN);
	ck_assert_uint_eq(o->via.bin.size, n);
	ck_assert_mem_eq(o->via.bin.ptr, want, n);
}

START_TEST(defaults)
{
	struct peer p;
	struct reply r;
	mode_t mask = umask(0);

	umask(mask);
	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:surroundings'}"), 0);
	expect_bytes(&r, "result.cwd", "/", 1);
	ck_assert_int_eq(int_at(&r, "result.umask"), mask);
	expect_bytes(&r, "result.argv.0", "jobs:surroundings", 17);
	ck_assert(!has(&r, "result.argv.1"));
	/* A session of its own, and no descriptors but its own. */
	ck_assert_int_eq(int_at(&r, "result.sid"), int_at(&r, "result.pid"));
	for (int fd = 0; fd < 3; fd++) {
		char path[32];

		snprintf(path, sizeof(path), "result.fds.%d", fd);
		ck_assert_int_eq(int_at(&r, path), fd);
	}
	for (uint32_t i = 3; i < at(&r, "result.fds")->via.array.size; i++)
		ck_assert_uint_ge(at(&r, "result.fds")
				      ->via.array.ptr[i]
				      .via.u64,
		    511);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(as_asked_for)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(
	    run(&p, &r,
		"{'call': 'jobs:surroundings',"
		" 'cwd': '%s', 'umask': 63, 'argv': ['a', '', '--b=c'],"
		" 'env': {'ONE': '1', 'EMPTY': '', 'LC_ALL': 'C.UTF-8'}}",
		live.dir),
	    0);
	expect_bytes(&r, "result.cwd", live.dir, strlen(live.dir));
	ck_assert_int_eq(int_at(&r, "result.umask"), 077);
	expect_bytes(&r, "result.argv.1", "a", 1);
	expect_bytes(&r, "result.argv.2", "", 0);
	expect_bytes(&r, "result.argv.3", "--b=c", 5);
	/* The whole environment, and nothing else but what points back to the
	 * daemon; without LC_ALL Python would add LC_CTYPE to the C locale
	 * (PEP 538). */
	ck_assert_uint_eq(at(&r, "result.env")->via.array.size, 5);
	expect_bytes(&r, "result.env.0.0", "EMPTY", 5);
	expect_bytes(&r, "result.env.0.1", "", 0);
	expect_bytes(&r, "result.env.4.0", "ONE", 3);
	expect_bytes(&r, "result.env.4.1", "1", 1);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(bytes_that_are_not_utf8)
{
	static const char name[] = "d\xff\xfe";
	struct peer p;
	struct reply r;
	char dir[128], hex[256] = "", path[160];
	size_t n;

	live_start(NULL);
	snprintf(dir, sizeof(dir), "%s/%s", live.dir, name);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	n = strlen(dir);
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", (unsigned char)dir[i]);
	peer_open(&p);
	ck_assert_int_eq(
	    run(&p, &r,
		"{'call': 'jobs:surroundings',"
		" 'cwd': x'%s', 'argv': [x'80ff'], 'env': {x'4bff': x'ff'}}",
		hex),
	    0);
	expect_bytes(&r, "result.cwd", dir, n);
	expect_bytes(&r, "result.argv.1", "\x80\xff", 2);
	expect_bytes(&r, "result.env.2.0", "K\xff", 2);
	expect_bytes(&r, "result.env.2.1", "\xff", 1);
	reply_fini(&r);
	/* A script of such a name, in such a folder on the path. */
	snprintf(path, sizeof(path), "%s/m.py", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(run(&p, &r, "{'script': x'%s2f6d2e7079'}", hex), 0);
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r, "{'module': 'm', 'path': [x'%s']}", hex),
	    0);
	reply_fini(&r);
	snprintf(path, sizeof(path), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(path), 0);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(title_is_shown)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r,
			     "{'call': 'jobs:title',"
			     " 'title': 'worker (7) of nine'}"),
	    0);
	expect_bytes(&r, "result", "worker (7) of nine", 18);
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:title'}"), 0);
	expect_bytes(&r, "result", "forkserver: jobs:title", 22);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

static ino_t
inode(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Each descriptor arrives at its number, whatever numbers the kernel gave them
 * on the way: swapped, far apart, in the way of each other. */
START_TEST(descriptors_by_number)
{
	static const char *const targets[] = { "0, 1, 2, 3", "3, 2, 1, 0",
		"4, 5, 6, 3", "5, 3, 4, 9", "510, 3, 100, 4" };
	struct peer p;
	struct reply r;
	int fds[4];

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < 4; i++)
		ck_assert_int_ne(fds[i] = memfd_create("m", MFD_CLOEXEC), -1);
	for (size_t t = 0; t < sizeof(targets) / sizeof(*targets); t++) {
		uint32_t id = peer_send_fds(&p, "spawn", fds, 4,
		    "{'call': 'jobs:inodes', 'args': [%s], 'fds': [%s]}",
		    targets[t], targets[t]);

		peer_response(&p, id, &r);
		id = int_at(&r, "id");
		reply_fini(&r);
		wait_end(&p, id, &r);
		ck_assert_int_eq(int_at(&r, "exit_code"), 0);
		for (int i = 0; i < 4; i++) {
			char path[32];

			snprintf(path, sizeof(path), "result.%d", i);
			ck_assert_uint_eq(at(&r, path)->via.u64, inode(fds[i]));
		}
		reply_fini(&r);
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(streams_are_the_callers)
{
	struct peer p;
	struct reply r;
	int in[2], out[2], fds[2];
	uint32_t id;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	fds[0] = in[0];
	fds[1] = out[1];
	id = peer_send_fds(&p, "spawn", fds, 2,
	    "{'code': 'import sys\\nfor "
	    "line in sys.stdin: print(line.upper(), end=\"\")', 'fds': "
	    "[0, 1]}");
	peer_response(&p, id, &r);
	reply_fini(&r);
	close(in[0]);
	close(out[1]);
	ck_assert_int_eq(write(in[1], "abc\n", 4), 4);
	close(in[1]);
	ck_assert_str_eq(read_text(out[0], false), "ABC\n");
	close(out[0]);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(terminal_controls)
{
	struct peer p;
	struct reply r;
	int master, slave;
	uint32_t id;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	id = peer_send_fds(&p, "spawn", &slave, 1,
	    "{'code': 'import os; "
	    "fd = os.open(\"/dev/tty\", os.O_RDWR); "
	    "os.write(fd, f\"{os.tcgetpgrp(fd)} {os.getpid()}{os.linesep}\".encode())',"
	    " 'fds': [0], 'tty': 0}");
	peer_response(&p, id, &r);
	char want[64];
	int pid = int_at(&r, "pid");

	snprintf(want, sizeof(want), "%d %d\r\n", pid, pid);
	reply_fini(&r);
	ck_assert_str_eq(read_text(master, true), want);
	close(slave);
	close(master);
	peer_close(&p);
	live_stop();
}
END_TEST

/* What the parent of all children has by chance, none of them has. */
START_TEST(siblings_differ)
{
	struct peer p;
	struct reply a, b;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &a, "{'call': 'random:random'}"), 0);
	ck_assert_int_eq(run(&p, &b, "{'call': 'random:random'}"), 0);
	ck_assert(at(&a, "result")->via.f64 != at(&b, "result")->via.f64);
	reply_fini(&a);
	reply_fini(&b);
	ck_assert_int_eq(run(&p, &a, "{'call': 'trio._core._run:_r.random'}"),
	    0);
	ck_assert_int_eq(run(&p, &b, "{'call': 'trio._core._run:_r.random'}"),
	    0);
	ck_assert(at(&a, "result")->via.f64 != at(&b, "result")->via.f64);
	reply_fini(&a);
	reply_fini(&b);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { defaults, as_asked_for,
		bytes_that_are_not_utf8, title_is_shown, descriptors_by_number,
		streams_are_the_callers, terminal_controls, siblings_differ,
		NULL };

	return harness_main("surroundings", tests);
}
