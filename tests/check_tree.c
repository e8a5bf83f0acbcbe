/*
 * Children that children ask for: whose they are, and that they go with them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/up.h"

#define TREE_MAX 32

/* All live children, by id, with their parents. */
struct grove {
	size_t n;
	uint64_t id[TREE_MAX], parent[TREE_MAX];
};

static struct grove
grove(struct peer *p)
{
	struct grove g = { 0 };
	struct reply r;
	char path[48];

	ask(p, &r, "list", "{}");
	g.n = at(&r, "children")->via.array.size;
	ck_assert_uint_le(g.n, TREE_MAX);
	for (size_t i = 0; i < g.n; i++) {
		snprintf(path, sizeof(path), "children.%zu.id", i);
		g.id[i] = int_at(&r, path);
		snprintf(path, sizeof(path), "children.%zu.parent", i);
		g.parent[i] = has(&r, path) ? int_at(&r, path) : 0;
	}
	reply_fini(&r);
	return g;
}

static size_t
kids_of(const struct grove *g, uint64_t id)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		n += g->parent[i] == id;
	return n;
}

/* Waits for the end of all in G but KEEP. */
static void
all_end(struct peer *p, const struct grove *g, uint64_t keep)
{
	struct reply r;

	for (size_t i = 0; i < g->n; i++) {
		if (g->id[i] == keep)
			continue;
		wait_end(p, g->id[i], &r);
		ck_assert(bool_at(&r, "cancelled") || bool_at(&r, "killed"));
		reply_fini(&r);
	}
}

/* A spawn of `nest:FN` whose stdout is a pipe, also of all below it; returns
 * when LINES lines have come out of it, which are left in SAID. */
static uint64_t
nest(struct peer *p, const char *call, const char *args, int lines,
    char said[TREE_MAX * 64])
{
	int out[2];
	struct reply r;
	uint32_t q;
	uint64_t id;

	ck_assert_int_eq(pipe(out), 0);
	q = peer_send_fds(p, "spawn", &out[1], 1,
	    "{'call': 'nest:%s', 'args': %s, 'fds': [1]}", call, args);
	close(out[1]);
	peer_response(p, q, &r);
	id = int_at(&r, "id");
	reply_fini(&r);
	said[0] = '\0';
	while (lines-- > 0)
		strcat(said, read_text(out[0], true));
	close(out[0]);
	return id;
}

START_TEST(points_back)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < 2; i++) {
		const char *env = i == 0 ?
		    "" :
		    ", 'env': {'KEPT': 'k', 'FORKSERVER_PARENT': '7-0', "
		    "'FORKSERVER_SOCKET': '/nowhere', 'PATH': '/usr/bin:/bin'}";

		run(&p, &r, "{'call': 'nest:environment'%s}", env);
		/* As Python has it, and as a process below it. */
		ck_assert_str_eq(str_at(&r, "result.0.0"), live.socket);
		ck_assert_str_eq(str_at(&r, "result.1.0"), live.socket);
		ck_assert_uint_eq(strtoull(str_at(&r, "result.0.1"), NULL, 10),
		    (uint64_t)int_at(&r, "id"));
		ck_assert_str_eq(str_at(&r, "result.0.1"),
		    str_at(&r, "result.1.1"));
		ck_assert_str_eq(str_at(&r, "result.1.2"), i == 0 ? "" : "k");
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* 1 + 2 + 4 + 8: the owner's end is the end of all. */
START_TEST(goes_with_its_root)
{
	struct peer owner, other;
	struct grove g;
	char said[TREE_MAX * 64];
	uint64_t root;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	root = nest(&owner, "tree", "[2, 3]", 15, said);
	g = grove(&other);
	ck_assert_uint_eq(g.n, 15);
	ck_assert_uint_eq(g.id[0], root);
	ck_assert_uint_eq(kids_of(&g, 0), 1);
	for (size_t i = 0; i < g.n; i++) {
		size_t kids = kids_of(&g, g.id[i]);

		ck_assert(kids == 2 || kids == 0);
	}
	peer_close(&owner);
	all_end(&other, &g, 0);
	peer_close(&other);
	live_stop();
}
END_TEST

/* The one in the middle is killed: what is below it goes, what is above stays.
 * With leaves that hear nothing the kill comes after their grace. */
START_TEST(goes_with_its_parent)
{
	static const char *const leaves[] = { "jobs:hang", "jobs:busy" };
	struct peer p;
	struct grove g, below = { 0 };
	struct reply r;
	char said[TREE_MAX * 64], args[64];
	uint64_t root, middle;

	live_start(NULL);
	peer_open(&p);
	for (int i = 0; i < 2; i++) {
		snprintf(args, sizeof(args), "[1, 3, '%s', 300000000]",
		    leaves[i]);
		root = nest(&p, "tree", args, 4, said);
		g = grove(&p);
		ck_assert_uint_eq(g.n, 4);
		middle = g.id[1];
		ck_assert_uint_eq(g.parent[1], root);
		memcpy(below.id, g.id + 2, 2 * sizeof(*g.id));
		below.n = 2;
		ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)middle);
		reply_fini(&r);
		wait_end(&p, middle, &r);
		ck_assert_int_eq(int_at(&r, "parent"), root);
		reply_fini(&r);
		all_end(&p, &below, 0);
		g = grove(&p);
		ck_assert_uint_eq(g.n, 1);
		ck_assert_uint_eq(g.id[0], root);
		ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)root);
		reply_fini(&r);
		wait_end(&p, root, &r);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* A detached one has its place in the tree, and stays with what is below it. */
START_TEST(detached_ones_stay)
{
	struct peer owner, other;
	struct grove g;
	struct reply r;
	char said[TREE_MAX * 64];
	uint64_t root, free_one;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	root = nest(&owner, "detaches", "[]", 3, said);
	g = grove(&other);
	ck_assert_uint_eq(g.n, 3);
	free_one = g.id[1];
	ck_assert_uint_eq(g.parent[1], root);
	ck_assert_uint_eq(g.parent[2], free_one);
	peer_close(&owner);
	wait_end(&other, root, &r);
	reply_fini(&r);
	g = grove(&other);
	ck_assert_uint_eq(g.n, 2);
	ask(&other, &r, "cancel", "{'id': %ju}", (uintmax_t)free_one);
	reply_fini(&r);
	all_end(&other, &g, 0);
	peer_close(&other);
	live_stop();
}
END_TEST

/* A process that a child has started is known by its cookie, and what it asks
 * for ends with the child, not only with that process. */
START_TEST(known_by_its_cookie)
{
	struct peer p;
	struct grove g;
	struct reply r;
	char said[TREE_MAX * 64];
	uint64_t root;
	pid_t asker;

	live_start(NULL);
	peer_open(&p);
	root = nest(&p, "by_cookie", "[]", 2, said);
	g = grove(&p);
	ck_assert_uint_eq(g.n, 2);
	ck_assert_uint_eq(g.parent[1], root);
	asker = atoi(strstr(said, "\"pid\":") + 6);
	ck_assert_int_eq(kill(asker, 0), 0);
	/* SIGSTOP: it cannot be that process's end that ends the lease. */
	ck_assert_int_eq(kill(asker, SIGSTOP), 0);
	ask(&p, &r, "kill", "{'id': %ju}", (uintmax_t)root);
	reply_fini(&r);
	all_end(&p, &g, 0);
	ck_assert_int_eq(kill(asker, SIGKILL), 0);
	process_gone(asker);
	peer_close(&p);
	live_stop();
}
END_TEST

/* A child and its zygote end together, while what the child has asked for is
 * queued: that is next to the child among the live ones, and goes with it. */
START_TEST(queued_when_its_parents_zygote_ends)
{
	struct peer p, below;
	struct reply r;
	pid_t zygote, other, pid;
	uint64_t root;
	uint32_t q;
	int out[2];

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.hangs]\npath = [\"%s\"]\nstart = \"demand\"\n"
		   "preload = [\"hangs_at_import\"]\n");
	peer_open(&p);
	peer_open(&below);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(&p, "spawn", &out[1], 1,
	    "{'call': 'nest:says_its_cookie', 'fds': [1]}");
	close(out[1]);
	peer_response(&p, q, &r);
	root = int_at(&r, "id");
	pid = int_at(&r, "pid");
	reply_fini(&r);
	ask(&below, &r, "hello", "{'parent': '%s'}", read_text(out[0], false));
	ck_assert_int_eq(int_at(&r, "child"), root);
	reply_fini(&r);
	close(out[0]);
	q = peer_send(&below, "spawn", "{'template': 'hangs', 'code': '1'}");
	do {
		ask(&p, &r, "templates", "{}");
		zygote = int_at(&r, "templates.0.pid");
		other = has(&r, "templates.1.pid") ?
		    int_at(&r, "templates.1.pid") :
		    0;
		reply_fini(&r);
	} while (other == 0);
	/* The child first, but unreaped by its zygote, and the daemon hears of
	 * both at once. */
	ck_assert_int_eq(kill(live.pid, SIGSTOP), 0);
	ck_assert_int_eq(kill(zygote, SIGSTOP), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	process_gone(pid);
	ck_assert_int_eq(kill(zygote, SIGKILL), 0);
	process_gone(zygote);
	ck_assert_int_eq(kill(live.pid, SIGCONT), 0);
	peer_response(&below, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "child_died");
	reply_fini(&r);
	wait_end(&p, root, &r);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	ck_assert_int_eq(kill(other, SIGKILL), 0);
	peer_close(&below);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(strange_cookies)
{
	struct peer p;
	struct reply r;
	uint64_t id;
	struct up u;

	live_start(NULL);
	peer_open(&p);
	u = up_start(&p, "", "hang");
	ask(&p, &r, "hello",
	    "{'parent': '%ju-00000000000000000000000000000000'}",
	    (uintmax_t)u.id);
	ck_assert(!has(&r, "child"));
	reply_fini(&r);
	ask(&p, &r, "hello", "{'parent': ''}");
	ck_assert(!has(&r, "child"));
	reply_fini(&r);
	refused(&p, "invalid_params", "parent", "hello", "{'parent': 1}");
	id = spawn(&p, "{'call': 'jobs:hang'}");
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert(!has(&r, "parent"));
	reply_fini(&r);
	close(u.out);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { points_back, goes_with_its_root,
		goes_with_its_parent, detached_ones_stay, known_by_its_cookie,
		queued_when_its_parents_zygote_ends, strange_cookies, NULL };

	return harness_main("tree", tests);
}
