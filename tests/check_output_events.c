/*
 * Captured output as events: their order, who hears them, and readers that are
 * slow.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"

/* What the events of a child tell of one stream. */
struct heard {
	const char *stream;
	char *text;
	size_t n;
	bool gap;
};

static void
take(struct heard *h, const struct reply *r)
{
	const msgpack_object *o = at(r, "data");
	size_t offset = int_at(r, "offset"), n = o->via.bin.size;
	char *text;

	if (strcmp(str_at(r, "stream"), h->stream) != 0)
		return;
	ck_assert_int_eq(o->type, MSGPACK_OBJECT_BIN);
	ck_assert_uint_ge(offset, h->n);
	ck_assert_uint_gt(n, 0);
	h->gap = h->gap || offset != h->n;
	text = realloc(h->text, offset + n + 1);
	ck_assert_ptr_nonnull(text);
	h->text = text;
	memcpy(h->text + offset, o->via.bin.ptr, n);
	h->text[offset + n] = '\0';
	h->n = offset + n;
}

static void
subscribe(struct peer *p, const char *params)
{
	struct reply r;

	ask(p, &r, "subscribe", "%s", params);
	reply_fini(&r);
}

/* All of child ID's events up to its `exited`, which is the last one: the
 * number of pieces of output. */
static int
hear(struct peer *p, uint64_t id, struct heard *out, struct heard *err)
{
	struct reply r;
	int pieces = 0;
	bool over = false;

	*out = (struct heard){ .stream = "stdout" };
	*err = (struct heard){ .stream = "stderr" };
	while (!over) {
		peer_next(p, &r);
		ck_assert_int_eq(r.msg.type, MSG_NOTIFY);
		if (strcmp(r.msg.method, "output") == 0) {
			ck_assert_uint_eq((uint64_t)int_at(&r, "id"), id);
			take(out, &r);
			take(err, &r);
			pieces++;
		}
		over = strcmp(r.msg.method, "exited") == 0;
		reply_fini(&r);
	}
	return pieces;
}

static void
expect_heard(struct heard *h, const char *want)
{
	ck_assert_str_eq(h->text, want);
	ck_assert(!h->gap);
	free(h->text);
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

/* The reply, `started`, what was written (by the import, too), `exited`. */
START_TEST(order)
{
	struct peer owner, other, deaf;
	struct heard out, err;
	struct reply r;
	uint64_t id;
	uint32_t q;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	peer_open(&deaf);
	subscribe(&other, "{'output': true}");
	subscribe(&other, "{}"); /* takes nothing away */
	subscribe(&deaf, "{}");
	for (int i = 0; i < 20; i++) {
		q = peer_send(&owner, "spawn",
		    "{'call': 'writes:both', 'capture': {'events': true}}");
		peer_next(&owner, &r);
		ck_assert_int_eq(r.msg.type, MSG_RESPONSE);
		ck_assert_uint_eq(r.msg.id, q);
		id = int_at(&r, "id");
		reply_fini(&r);
		ck_assert_int_ge(hear(&owner, id, &out, &err), 2);
		expect_heard(&out, "imported\nout\nprinted\n");
		expect_heard(&err, "err\nprinted, too\n");
		expect_silence(&owner);
		peer_next(&other, &r);
		ck_assert_str_eq(r.msg.method, "started");
		reply_fini(&r);
		hear(&other, id, &out, &err);
		expect_heard(&out, "imported\nout\nprinted\n");
		expect_heard(&err, "err\nprinted, too\n");
		expect_silence(&other);
		ck_assert_int_eq(hear(&deaf, id, &out, &err), 0);
	}
	peer_close(&owner);
	peer_close(&other);
	peer_close(&deaf);
	live_stop();
}
END_TEST

/* Who did not ask is not told; a child whose spawn failed tells nothing. */
START_TEST(not_asked_for)
{
	struct peer owner, other;
	struct heard out, err;
	struct reply r;
	uint64_t id;

	live_start(NULL);
	peer_open(&owner);
	peer_open(&other);
	id = spawn(&owner, "{'call': 'writes:both', 'capture': {}}");
	ck_assert_int_eq(hear(&owner, id, &out, &err), 0);
	id = spawn(&owner, "{'call': 'writes:both'}");
	ck_assert_int_eq(hear(&owner, id, &out, &err), 0);
	subscribe(&other, "{'output': true}");
	refused(&owner, "import_failed", NULL, "spawn",
	    "{'call': 'writes:no', 'capture': {'events': true}}");
	wait_end(&owner, id + 1, &r);
	reply_fini(&r);
	expect_silence(&owner);
	expect_silence(&other);
	peer_close(&owner);
	peer_close(&other);
	live_stop();
}
END_TEST

/* A reader that does not read loses output and hears so; the child does not
 * wait for it, and the record has the end of it all the same. */
START_TEST(slow_reader)
{
	enum { TOTAL = 8000000 + 9 };
	struct peer owner, slow;
	struct reply r;
	uint64_t id;
	int64_t lost = 0, end = 0;
	bool over = false;

	live_start("[server]\nmax_queued_bytes = 1048576\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&owner);
	peer_open(&slow);
	subscribe(&slow, "{'output': true}");
	id = spawn(&owner,
	    "{'call': 'writes:numbers', 'args': [1000000], 'capture': {}}");
	wait_end(&owner, id, &r);
	ck_assert_int_eq(int_at(&r, "output.stdout.bytes"), TOTAL);
	ck_assert_int_eq(int_at(&r, "output.stdout.dropped"), TOTAL - 65536);
	reply_fini(&r);
	ask(&owner, &r, "ping", "{}");
	reply_fini(&r);
	/* `exited` may be among what was lost. */
	peer_send(&slow, "ping", "{}");
	while (!over) {
		peer_next(&slow, &r);
		over = r.msg.type == MSG_RESPONSE;
		if (!over && strcmp(r.msg.method, "lost") == 0) {
			lost += int_at(&r, "events");
		} else if (!over && strcmp(r.msg.method, "output") == 0) {
			ck_assert_int_ge(int_at(&r, "offset"), end);
			end = int_at(&r, "offset") +
			    at(&r, "data")->via.bin.size;
		}
		reply_fini(&r);
	}
	if (lost == 0) {
		peer_event(&slow, "lost", &r);
		lost = int_at(&r, "events");
		reply_fini(&r);
	}
	ck_assert_int_gt(lost, 0);
	ck_assert_int_gt(end, 0);
	ck_assert_int_le(end, TOTAL);
	peer_close(&owner);
	peer_close(&slow);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { order, not_asked_for, slow_reader,
		NULL };

	return harness_main("output_events", tests);
}
