/*
 * The scan before the unpack, and the envelope around a message.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/msg.h"
#include "proto/pack.h"
#include "tests/harness.h"
#include "tests/lit.h"

static const struct frame_limits *lim = &frame_limits_default;

static int
scan(const void *p, size_t n, size_t *len, struct err *e)
{
	return frame_scan(&(struct frame_scan){ 0 }, p, n, lim, len, e);
}

/* Whole when whole, and unfinished at each byte before; byte by byte too. */
static void
expect_whole(const uint8_t *p, size_t n)
{
	struct frame_scan s = { 0 };
	struct err e;
	size_t len = 0;

	for (size_t i = 1; i <= n; i++)
		ck_assert_int_eq(frame_scan(&s, p, i, lim, &len, &e), i == n);
	ck_assert_uint_eq(len, n);
	ck_assert(!s.begun);

	for (size_t i = 0; i < n; i++)
		ck_assert_msg(scan(p, i, &len, &e) == 0, "%zu of %zu", i, n);
	ck_assert_int_eq(scan(p, n, &len, &e), 1);
	ck_assert_uint_eq(len, n);
}

/* Every first byte, with as many zero bytes behind it as its value takes. */
START_TEST(every_first_byte)
{
	static const uint8_t fixed[32] = { 1, 0, 1, 1, 2, 3, 5, 3, 4, 6, 5, 9,
		2, 3, 5, 9, 2, 3, 5, 9, 3, 4, 6, 10, 18, 2, 3, 5, 3, 5, 3, 5 };
	uint8_t p[64];
	struct err e;
	size_t len, n;

	for (int b = 0; b < 256; b++) {
		memset(p, 0, sizeof(p));
		p[0] = b;
		if (b >= 0x80 && b < 0x90)
			n = 1 + 2 * (b & 15);
		else if (b >= 0x90 && b < 0xa0)
			n = 1 + (b & 15);
		else if (b >= 0xa0 && b < 0xc0)
			n = 1 + (b & 31);
		else
			n = b >= 0xc0 && b < 0xe0 ? fixed[b - 0xc0] : 1;
		if (n > 0) {
			expect_whole(p, n);
			continue;
		}
		ck_assert_int_eq(scan(p, sizeof(p), &len, &e), -1);
		ck_assert_int_eq(e.code, ERR_MALFORMED);
	}
}
END_TEST

START_TEST(nested_values)
{
	static const char *const texts[] = {
		"[1, [2, [3, {'a': [4, x'05']}]], -7, 1.5, nil, 'text']",
		"{'k': {'k': {'k': []}}, 'l': [true, false, [[[[1]]]]]}",
		"[18446744073709551615, -9223372036854775808, 70000, 300]",
	};
	msgpack_sbuffer b;
	msgpack_packer pk;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		msgpack_sbuffer_init(&b);
		msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
		lit_pack(&pk, texts[i]);
		expect_whole((uint8_t *)b.data, b.size);
		msgpack_sbuffer_destroy(&b);
	}
}
END_TEST

static void
expect_limit(const void *p, size_t n, const struct frame_limits *l,
    enum err_code code)
{
	struct err e;
	size_t len;

	ck_assert_int_eq(frame_scan(&(struct frame_scan){ 0 }, p, n, l, &len,
			     &e),
	    -1);
	ck_assert_int_eq(e.code, code);
}

START_TEST(limits_are_kept_at_the_first_byte_that_shows_it)
{
	const struct frame_limits small = {
		.max_bytes = 10, .max_depth = 2, .max_items = 5
	};
	struct err e;
	size_t len;

	expect_limit("\xdd\x10\x00\x00\x00", 5, lim, ERR_LIMIT);
	expect_limit("\xdb\xff\xff\xff\xff", 5, lim, ERR_LIMIT);
	expect_limit("\xdf\x80\x00\x00\x00", 5, lim, ERR_LIMIT);
	expect_limit("\xaa", 1, &small, ERR_LIMIT); /* 11 bytes */
	ck_assert_int_eq(frame_scan(&(struct frame_scan){ 0 },
			     (uint8_t *)"\xa9", 1, &small, &len, &e),
	    0);
	expect_limit("\x91\x91\x91\x01", 4, &small, ERR_LIMIT);
	ck_assert_int_eq(frame_scan(&(struct frame_scan){ 0 },
			     (uint8_t *)"\x91\x91\x01", 3, &small, &len, &e),
	    1);
	expect_limit("\x95", 1, &small, ERR_LIMIT); /* six values */
	ck_assert_int_eq(frame_scan(&(struct frame_scan){ 0 },
			     (uint8_t *)"\x94\1\2\3\4", 5, &small, &len, &e),
	    1);
	/* Ten bytes do not hold what two arrays of six promise. */
	expect_limit("\x92\x96", 2,
	    &(struct frame_limits){
		.max_bytes = 8, .max_depth = 8, .max_items = 100 },
	    ERR_LIMIT);
}
END_TEST

/* On mutated values the scan and msgpack-c find the same ends. */
START_TEST(agrees_with_msgpack)
{
	msgpack_sbuffer b;
	msgpack_packer pk;
	unsigned seed = 20261123, whole = 0;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	lit_pack(&pk,
	    "[0, 1, 'spawn', [{'call': 'a:b', 'args': [1, 2.5, "
	    "x'00ff', {'k': [nil, true]}], 'grace_ns': 5000000000}]]");
	for (int i = 0; i < 50000; i++) {
		uint8_t p[256];
		size_t n = b.size, len = 0, off = 0;
		msgpack_unpacked u;
		struct err e;
		int r, m;

		memcpy(p, b.data, n);
		for (int k = rand_r(&seed) % 4; k >= 0; k--)
			p[rand_r(&seed) % n] = rand_r(&seed);
		r = scan(p, n, &len, &e);
		if (r == -1)
			continue; /* msgpack-c might ask for gigabytes */
		msgpack_unpacked_init(&u);
		m = msgpack_unpack_next(&u, (char *)p, n, &off);
		msgpack_unpacked_destroy(&u);
		ck_assert_int_eq(r == 1, m == MSGPACK_UNPACK_SUCCESS);
		if (r == 1) {
			ck_assert_uint_eq(len, off);
			whole++;
		}
	}
	ck_assert_uint_gt(whole, 1000);
	msgpack_sbuffer_destroy(&b);
}
END_TEST

static int
unpack(struct msg *m, const char *text, struct err *e)
{
	static char *bytes;
	msgpack_sbuffer b;
	msgpack_packer pk;
	size_t n;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	lit_pack(&pk, text);
	n = b.size;
	bytes = kept(msgpack_sbuffer_release(&b));
	return msg_unpack(m, (uint8_t *)bytes, n, e);
}

START_TEST(envelopes)
{
	static const char *const malformed[] = { "1", "[]", "[0, 1]",
		"[3, 1, 'x', []]", "[0, 'x', 'm', []]", "[0, -1, 'm', []]",
		"[0, 4294967296, 'm', []]", "[2, 1, []]", "[2, 'x', 1]",
		"[2, 1, 'x', []]", "[1, 1, nil]", "{'a': 1}" };
	static const char *const answerable[] = { "[0, 7, 1, []]",
		"[0, 7, 'm', {}]", "[0, 7, 'm', [1]]", "[0, 7, 'm', [{}, {}]]",
		"[0, 7, 'm', nil]" };
	struct msg m;
	struct err e;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		ck_assert_msg(unpack(&m, malformed[i], &e) == -1, "%s",
		    malformed[i]);
		ck_assert_msg(e.code == ERR_MALFORMED, "%s", malformed[i]);
	}
	for (size_t i = 0; i < sizeof(answerable) / sizeof(*answerable); i++) {
		ck_assert_int_eq(unpack(&m, answerable[i], &e), -1);
		ck_assert_int_eq(e.code, ERR_INVALID_REQUEST);
		ck_assert_int_eq(m.type, MSG_REQUEST);
		ck_assert_uint_eq(m.id, 7);
	}
	ck_assert_int_eq(unpack(&m, "[0, 7, 'ping', []]", &e), 0);
	ck_assert_str_eq(m.method, "ping");
	ck_assert_int_eq(m.params.type, MSGPACK_OBJECT_MAP);
	ck_assert_uint_eq(m.params.via.map.size, 0);
	msg_fini(&m);
	ck_assert_int_eq(unpack(&m, "[2, 'x', ['two', 'texts']]", &e), 0);
	ck_assert_int_eq(m.params.type, MSGPACK_OBJECT_NIL);
	msg_fini(&m);
	ck_assert_int_eq(unpack(&m, "[1, 9, nil, 5]", &e), 0);
	ck_assert_int_eq(m.type, MSG_RESPONSE);
	ck_assert_uint_eq(m.result.via.u64, 5);
	msg_fini(&m);
}
END_TEST

/* What is packed as an error is read as it was, for each code. */
START_TEST(errors_go_round)
{
	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
		struct err e = { .code = code,
			.sys = code,
			.key = "env",
			.msg = "message \xff" },
			   back;
		struct msg_out o;
		struct msg m;
		size_t len;

		msg_out_init(&o);
		msg_error(&o, 3, &e);
		msg_out_seal(&o);
		ck_assert_int_eq(scan(o.buf.data, o.buf.size, &len, &back), 1);
		ck_assert_uint_eq(len, o.buf.size);
		ck_assert_int_eq(msg_unpack(&m, (uint8_t *)o.buf.data, len,
				     &back),
		    0);
		ck_assert_uint_eq(m.id, 3);
		ck_assert_int_eq(m.result.type, MSGPACK_OBJECT_NIL);
		msg_read_error(&m.error, &back);
		ck_assert_int_eq(back.code, code);
		ck_assert_int_eq(back.sys, code);
		ck_assert_str_eq(back.key, "env");
		ck_assert_str_eq(back.msg, "message \xff");
		ck_assert_int_eq(err_by_name(err_name(code),
				     strlen(err_name(code))),
		    code);
		msg_fini(&m);
		msg_out_fini(&o);
	}
}
END_TEST

START_TEST(text_is_str_where_it_is_utf8)
{
	static const struct {
		const char *bytes;
		int type;
	} texts[] = {
		{ "", MSGPACK_OBJECT_STR },
		{ "plain", MSGPACK_OBJECT_STR },
		{ "\xc3\xa9", MSGPACK_OBJECT_STR },
		{ "\xe2\x82\xac", MSGPACK_OBJECT_STR },
		{ "\xf0\x9f\x90\x8d", MSGPACK_OBJECT_STR },
		{ "\xff", MSGPACK_OBJECT_BIN },
		{ "\xc3", MSGPACK_OBJECT_BIN },
		{ "\xc0\xaf", MSGPACK_OBJECT_BIN },     /* overlong */
		{ "\xed\xa0\x80", MSGPACK_OBJECT_BIN }, /* surrogate */
		{ "\xf4\x90\x80\x80", MSGPACK_OBJECT_BIN },
		{ "a\x80z", MSGPACK_OBJECT_BIN },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t n = strlen(texts[i].bytes), off = 0;
		msgpack_unpacked u;
		struct msg_out o;

		msg_out_init(&o);
		pack_text(&o.pk, texts[i].bytes, n);
		msgpack_unpacked_init(&u);
		ck_assert_int_eq(msgpack_unpack_next(&u, o.buf.data, o.buf.size,
				     &off),
		    MSGPACK_UNPACK_SUCCESS);
		ck_assert_msg((int)u.data.type == texts[i].type, "text %zu", i);
		ck_assert_uint_eq(u.data.via.bin.size, n);
		if (n > 0)
			ck_assert_mem_eq(u.data.via.bin.ptr, texts[i].bytes, n);
		msgpack_unpacked_destroy(&u);
		msg_out_fini(&o);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { every_first_byte, nested_values,
		limits_are_kept_at_the_first_byte_that_shows_it,
		agrees_with_msgpack, envelopes, errors_go_round,
		text_is_str_where_it_is_utf8, NULL };

	return harness_main("frame", tests);
}
