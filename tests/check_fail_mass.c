/*
 * Known ways to fail: many children, and trees of them, that end at once.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/hired.h"
#include "tests/modes.h"

#define FORKS 64

static void
was_killed(const struct reply *r)
{
	ck_assert(bool_at(r, "cancelled") && bool_at(r, "killed"));
	ck_assert_int_eq(int_at(r, "signal"), SIGKILL);
}

static void
ended_in_its_grace(const struct reply *r)
{
	ck_assert(bool_at(r, "cancelled"));
	ck_assert_msg(!bool_at(r, "killed"), "it was killed");
}

/* N children of each mode, half a pipe each, that only SIGKILL ends. */
static void
one_grace(struct peer *other, unsigned n)
{
	struct hired h[MODES];
	char what[128];

	for (int i = 0; i < MODES; i++) {
		snprintf(what, sizeof(what),
		    "'call': 'jobs:stubborn', 'template': '%s', "
		    "'grace_ns': 2000000000",
		    modes[i]);
		hire(&h[i], n, what);
	}
	for (int i = 0; i < MODES; i++)
		fire(&h[i], SIGKILL);
	for (int i = 0; i < MODES; i++)
		all_end(other, h[i].ids, h[i].n, was_killed);
}

/*
 * 2. Children whose teardown is a hard kill, one after the other: each takes a
 * grace of its own.  Here 25 of them, and 500, take one: the graces of all
 * together are longer than the deadline.
 */
START_TEST(fail_2_one_grace_for_all)
{
	struct peer other;

	live_start(TWO_MODES);
	peer_open(&other);
	one_grace(&other, 25);
	one_grace(&other, 250);
	peer_close(&other);
	live_stop();
}
END_TEST

/* A tree of WIDTH and DEPTH below its root, which P owns: its ids. */
static unsigned
grow(struct peer *p, const char *mode, int width, int depth, const char *leaf,
    uint64_t ids[HIRED_MAX], uint64_t grace_ns)
{
	struct reply r;
	uint64_t root;
	uint32_t q;
	int out[2], n = 1, level = 1;
	unsigned found = 0;
	char path[48];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(p, "spawn", &out[1], 1,
	    "{'call': 'nest:tree', 'template': '%s', 'fds': [1], 'grace_ns': "
	    "%ju, 'args': [%d, %d, '%s', %ju, '%s']}",
	    mode, (uintmax_t)grace_ns, width, depth, leaf, (uintmax_t)grace_ns,
	    mode);
	close(out[1]);
	peer_response(p, q, &r);
	root = int_at(&r, "id");
	reply_fini(&r);
	for (int i = 0; i < depth; i++) {
		level *= width;
		n += level;
	}
	for (int i = 0; i < n; i++)
		read_text(out[0], true);
	close(out[0]);
	ask(p, &r, "list", "{}");
	for (uint32_t i = 0; i < at(&r, "children")->via.array.size; i++) {
		snprintf(path, sizeof(path), "children.%u.id", i);
		if ((uint64_t)int_at(&r, path) >= root)
			ids[found++] = int_at(&r, path);
	}
	reply_fini(&r);
	ck_assert_int_eq(found, n);
	ck_assert_uint_eq(ids[0], root);
	return found;
}

/*
 * 4. A grandchild in synchronous code does not hear its parent's cancel, the
 * parent waits for it, and the root for that.  Here the cancel of the root,
 * and of nobody else, ends all three levels: one whose leaf sleeps, and one
 * whose leaf has blocked all signals besides.
 */
START_TEST(fail_4_grandchild_in_sync_code)
{
	static const char *const leaves[] = { "fail:sleeps", "jobs:deaf",
		"fail:no_checkpoint" };
	struct peer p;
	struct reply r;
	uint64_t ids[HIRED_MAX];

	live_start(TWO_MODES);
	peer_open(&p);
	for (int i = 0; i < MODES * 3; i++) {
		unsigned n = grow(&p, modes[i / 3], 1, 2, leaves[i % 3], ids,
		    1000000000);

		ck_assert_uint_eq(n, 3);
		ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)ids[0]);
		reply_fini(&r);
		all_end(&p, ids, 2, ended_in_its_grace);
		all_end(&p, ids + 2, 1,
		    i % 3 == 0 ? ended_in_its_grace : was_killed);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* 8a. A cascade of cancels over a tree of three by three by three, as its
 * owner's connection ends. */
START_TEST(fail_8_cascade)
{
	struct peer owner, other;
	uint64_t ids[HIRED_MAX];

	live_start(TWO_MODES);
	peer_open(&other);
	for (int i = 0; i < MODES; i++) {
		unsigned n;

		peer_open(&owner);
		n = grow(&owner, modes[i], 3, 3, "jobs:hang", ids, 20000000000);
		ck_assert_uint_eq(n, 1 + 3 + 9 + 27);
		peer_close(&owner);
		all_end(&other, ids, n, ended_in_its_grace);
	}
	peer_close(&other);
	live_stop();
}
END_TEST

static pid_t
pid_of(struct peer *p, uint64_t id)
{
	struct reply r;
	pid_t pid;

	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	pid = int_at(&r, "pid");
	reply_fini(&r);
	return pid;
}

static pid_t
zygote_of(struct peer *p, int mode)
{
	char path[32];
	struct reply r;
	pid_t pid;

	ask(p, &r, "templates", "{}");
	snprintf(path, sizeof(path), "templates.%d.name", mode);
	ck_assert_str_eq(str_at(&r, path), modes[mode]);
	snprintf(path, sizeof(path), "templates.%d.pid", mode);
	pid = int_at(&r, path);
	reply_fini(&r);
	return pid;
}

/*
 * 8b. Exits and signals queue behind forks.  The zygote is held while FORKS
 * forks are ordered and 2 x cores children are cancelled, which end at once,
 * forks or no forks.  Let go, it tells of their ends before it has forked half
 * of what is new.
 */
START_TEST(fail_8_behind_forks)
{
	unsigned cores = 2 * sysconf(_SC_NPROCESSORS_ONLN);
	struct peer p, q;
	struct reply r;
	struct hired h;
	char what[96];

	live_start(TWO_MODES);
	peer_open(&p);
	peer_open(&q);
	for (int i = 0; i < MODES; i++) {
		unsigned started = 0, ended = 0;
		pid_t zygote = zygote_of(&p, i);

		snprintf(what, sizeof(what),
		    "'call': 'jobs:hang', 'template': '%s'", modes[i]);
		hire(&h, cores, what);
		for (unsigned j = 0; j < h.n; j++) {
			ask(&p, &r, "subscribe", "{'id': %ju}",
			    (uintmax_t)h.ids[j]);
			reply_fini(&r);
		}
		ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
		for (int j = 0; j < FORKS; j++)
			peer_send(&p, "spawn", "{%s}", what);
		for (unsigned j = 0; j < h.n; j++) {
			pid_t pid = pid_of(&q, h.ids[j]);

			ask(&q, &r, "cancel", "{'id': %ju}",
			    (uintmax_t)h.ids[j]);
			reply_fini(&r);
			process_gone(pid);
		}
		/* The daemon has met all the spawns. */
		peer_send(&p, "ping", "{}");
		peer_next(&p, &r);
		ck_assert(has(&r, "time_ns"));
		reply_fini(&r);
		ck_assert_int_eq(kill(zygote, SIGCONT), 0);
		while (ended < h.n || started < FORKS) {
			peer_next(&p, &r);
			if (r.msg.type == MSG_RESPONSE)
				started++;
			else
				ended++;
			ck_assert_msg(started < FORKS / 2 || ended == h.n,
			    "%u children have started, %u of %u have ended",
			    started, ended, h.n);
			reply_fini(&r);
		}
		fire(&h, SIGKILL);
	}
	peer_close(&p);
	peer_close(&q);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { fail_2_one_grace_for_all,
		fail_4_grandchild_in_sync_code, fail_8_cascade,
		fail_8_behind_forks, NULL };

	return harness_main("fail_mass", tests);
}
