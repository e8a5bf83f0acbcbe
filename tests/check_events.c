/*
 * Who hears what: subscriptions, their order, and readers that are slow.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/up.h"

static uint64_t
subscribe(struct peer *p, const char *params)
{
	struct reply r;
	uint64_t id;

	ask(p, &r, "subscribe", "%s", params);
	id = int_at(&r, "subscription");
	reply_fini(&r);
	return id;
}

/* The next message is this event, of child ID where that is not 0. */
static void
expect_event(struct peer *p, struct reply *r, const char *name, uint64_t id)
{
	peer_next(p, r);
	ck_assert_int_eq(r->msg.type, MSG_NOTIFY);
	ck_assert_str_eq(r->msg.method, name);
	if (id != 0)
		ck_assert_uint_eq((uint64_t)int_at(r, "id"), id);
}

static void
expect_and_drop(struct peer *p, const char *name, uint64_t id)
{
	struct reply r;

	expect_event(p, &r, name, id);
	reply_fini(&r);
}

/* Nothing has come before the answer to this. */
static void
expect_silence(struct peer *p)
{
	struct reply r;
	uint32_t q = peer_send(p, "ping", "{}");

	peer_next(p, &r);
	ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
	ck_assert_uint_eq(r.msg.id, q);
	reply_fini(&r);
}

static void
end(struct peer *p, uint64_t id)
{
	struct reply r;

	ask(p, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
}

/* The asker's reply, its events, those of others: all in their order. */
START_TEST(all_children)
{
	struct peer owner, other;
	struct reply r;
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	subscribe(&owner, "{}");
	subscribe(&other, "{}");
	subscribe(&other, "{}"); /* once is enough */
	q = peer_send(&owner, "spawn", "{'call': 'jobs:echo', 'args': [1]}");
	peer_next(&owner, &r);
	ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
	ck_assert_uint_eq(r.msg.id, q);
	id = int_at(&r, "id");
	reply_fini(&r);
	expect_event(&owner, &r, "started", id);
	ck_assert_str_eq(str_at(&r, "entry"), "jobs:echo");
	reply_fini(&r);
	expect_event(&owner, &r, "exited", id);
	ck_assert_int_eq(int_at(&r, "result.0.0"), 1);
	reply_fini(&r);
	expect_silence(&owner);
	expect_and_drop(&other, "started", id);
	expect_event(&other, &r, "exited", id);
	ck_assert_int_eq(int_at(&r, "exit_code"), 0);
	ck_assert_int_eq(int_at(&r, "result.0.0"), 1);
	reply_fini(&r);
	expect_silence(&other);
	/* A large result is for its owner. */
	spawn(&owner, "{'call': 'jobs:large', 'args': [100000]}");
	peer_event(&owner, "exited", &r);
	ck_assert_uint_eq(at(&r, "result")->via.bin.size, 100000);
	reply_fini(&r);
	peer_event(&other, "exited", &r);
	ck_assert(!has(&r, "result") && has(&r, "result_error"));
	reply_fini(&r);
	/* A spawn that failed was no child. */
	refused(&owner, "import_failed", NULL, "spawn", "{'call': 'no:no'}");
	expect_silence(&owner);
	expect_silence(&other);
	peer_close(&owner);
	peer_close(&other);
	live_stop();
}
END_TEST

START_TEST(one_child)
{
	struct peer owner, other;
	struct reply r;
	struct up u, v;
	uint64_t sub;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	u = up_start(&owner, "", "hang");
	v = up_start(&owner, "", "hang");
	ask(&other, &r, "subscribe", "{'id': %ju}", (uintmax_t)u.id);
	sub = int_at(&r, "subscription");
	reply_fini(&r);
	end(&owner, v.id);
	wait_end(&owner, v.id, &r);
	reply_fini(&r);
	end(&owner, u.id);
	expect_event(&other, &r, "exited", u.id);
	ck_assert_int_eq(int_at(&r, "signal"), SIGKILL);
	reply_fini(&r);
	/* That was the last of it. */
	refused(&other, "not_found", "subscription", "unsubscribe",
	    "{'subscription': %ju}", (uintmax_t)sub);
	/* Too late is in time. */
	ask(&other, &r, "subscribe", "{'id': %ju}", (uintmax_t)v.id);
	reply_fini(&r);
	expect_and_drop(&other, "exited", v.id);
	expect_silence(&other);
	refused(&other, "not_found", "id", "subscribe", "{'id': 99}");
	refused(&other, "invalid_params", "tree", "subscribe",
	    "{'tree': true}");
	close(u.out);
	close(v.out);
	peer_close(&owner);
	peer_close(&other);
	live_stop();
}
END_TEST

/* A tree's events are those of the root and of all below it. */
START_TEST(one_tree)
{
	struct peer owner, other;
	struct reply r;
	struct up u, v;
	uint64_t root, last = 0;
	int ends = 0, roots = 0, out[2];
	uint32_t q;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	v = up_start(&owner, "", "hang");
	ck_assert_int_eq(pipe(out), 0);
	q = peer_send_fds(&owner, "spawn", &out[1], 1,
	    "{'call': 'nest:tree', 'args': [2, 2], 'fds': [1]}");
	close(out[1]);
	peer_response(&owner, q, &r);
	root = int_at(&r, "id");
	reply_fini(&r);
	for (int i = 0; i < 7; i++)
		read_text(out[0], true);
	u = up_start(&owner, "", "hang");
	ask(&other, &r, "subscribe", "{'id': %ju, 'tree': true}",
	    (uintmax_t)root);
	reply_fini(&r);
	end(&owner, v.id);
	end(&owner, u.id);
	wait_end(&owner, u.id, &r);
	reply_fini(&r);
	end(&owner, root);
	while (ends < 7) {
		peer_next(&other, &r);
		ck_assert_str_eq(r.msg.method, "exited");
		last = int_at(&r, "id");
		ck_assert(last != u.id && last != v.id);
		roots += last == root; /* its children may be sooner reaped */
		ends++;
		reply_fini(&r);
	}
	ck_assert_int_eq(roots, 1);
	expect_silence(&other);
	close(out[0]);
	close(u.out);
	close(v.out);
	peer_close(&owner);
	peer_close(&other);
	live_stop();
}
END_TEST

/* The states of a template that starts on demand, fails, and is tried again. */
START_TEST(templates_tell)
{
	struct peer p;
	struct reply r;

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "[template.bad]\nstart = \"demand\"\n"
		   "preload = [\"no_such_module\"]\n"
		   "[template.late]\nstart = \"demand\"\n");
	peer_open(&p);
	subscribe(&p, "{}");
	peer_send(&p, "spawn", "{'template': 'bad', 'code': '1'}");
	expect_event(&p, &r, "template", 0);
	ck_assert_str_eq(str_at(&r, "name"), "bad");
	ck_assert_str_eq(str_at(&r, "state"), "starting");
	reply_fini(&r);
	peer_event(&p, "template", &r);
	ck_assert_str_eq(str_at(&r, "name"), "bad");
	ck_assert_str_eq(str_at(&r, "state"), "failed");
	ck_assert(has(&r, "error.module"));
	reply_fini(&r);
	peer_send(&p, "spawn", "{'template': 'late', 'code': '1'}");
	peer_event(&p, "template", &r);
	ck_assert_str_eq(str_at(&r, "name"), "late");
	ck_assert_str_eq(str_at(&r, "state"), "starting");
	reply_fini(&r);
	peer_event(&p, "template", &r);
	ck_assert_str_eq(str_at(&r, "state"), "ready");
	reply_fini(&r);
	peer_event(&p, "exited", &r);
	reply_fini(&r);
	peer_close(&p);
	live.baseline++; /* one zygote more than at the start */
	live_stop();
}
END_TEST

/* A reader that does not read loses events, is told how many, and is not lost
 * itself; the owner, who reads, loses none. */
START_TEST(slow_reader)
{
	enum { CHILDREN = 24 };
	struct peer owner, slow;
	struct reply r;
	int64_t lost = 0, heard = 0;

	live_start("[server]\nmax_queued_bytes = 1048576\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&owner);
	peer_open(&slow);
	subscribe(&slow, "{}");
	for (int i = 0; i < CHILDREN; i++) {
		spawn(&owner, "{'call': 'jobs:large', 'args': [60000]}");
		peer_event(&owner, "exited", &r);
		ck_assert_uint_eq(at(&r, "result")->via.bin.size, 60000);
		reply_fini(&r);
	}
	while (heard + lost < 2 * CHILDREN) {
		peer_next(&slow, &r);
		ck_assert_int_eq(r.msg.type, MSG_NOTIFY);
		if (strcmp(r.msg.method, "lost") == 0)
			lost += int_at(&r, "events");
		else
			heard++;
		reply_fini(&r);
	}
	ck_assert_int_gt(lost, 0);
	ck_assert_int_gt(heard, 0);
	expect_silence(&slow);
	/* All is well again. */
	spawn(&owner, "{'call': 'jobs:echo'}");
	expect_and_drop(&slow, "started", CHILDREN + 1);
	expect_and_drop(&slow, "exited", CHILDREN + 1);
	peer_close(&owner);
	peer_close(&slow);
	live_stop();
}
END_TEST

START_TEST(no_more_and_too_many)
{
	struct peer p, owner;
	struct reply r;
	uint64_t sub = 0;

	live_start(NULL);
	peer_open(&p);
	peer_open(&owner);
	for (int i = 0; i < 1024; i++)
		sub = subscribe(&p, "{}");
	refused(&p, "limit", NULL, "subscribe", "{}");
	refused(&owner, "not_found", "subscription", "unsubscribe",
	    "{'subscription': %ju}", (uintmax_t)sub);
	for (uint64_t i = sub - 1023; i <= sub; i++) {
		ask(&p, &r, "unsubscribe", "{'subscription': %ju}",
		    (uintmax_t)i);
		reply_fini(&r);
	}
	run(&owner, &r, "{'call': 'jobs:echo'}");
	reply_fini(&r);
	expect_silence(&p);
	peer_close(&p);
	peer_close(&owner);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { all_children, one_child, one_tree,
		templates_tell, slow_reader, no_more_and_too_many, NULL };

	return harness_main("events", tests);
}
