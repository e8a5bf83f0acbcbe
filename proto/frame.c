#include "proto/frame.h"

#include <inttypes.h>

const struct frame_limits frame_limits_default = {
	.max_bytes = 16 << 20,
	.max_depth = 32,
	.max_items = 1 << 20,
};

const struct frame_limits frame_limits_child = {
	.max_bytes = 16 << 20,
	.max_depth = 30,
	.max_items = 768 << 10,
};

/* What the first byte of a value says: how many bytes of length follow it,
 * what they count, and what is there without any. */
struct head {
	uint8_t len_bytes; /* 0, 1, 2 or 4, big-endian, after the type */
	uint8_t payload;   /* fixed bytes after the type and the length */
	uint8_t per_count; /* 0: the length counts bytes; 1, 2: values */
	uint32_t count;    /* of fixarray, fixmap (per_count) or fixstr */
};

static const struct head heads[32] = {
	/* 0xc0 to 0xdf */
	[0x02] = { 0 },
	[0x03] = { 0 },
	[0x04] = { .len_bytes = 1 },
	[0x05] = { .len_bytes = 2 },
	[0x06] = { .len_bytes = 4 },
	[0x07] = { .len_bytes = 1, .payload = 1 },
	[0x08] = { .len_bytes = 2, .payload = 1 },
	[0x09] = { .len_bytes = 4, .payload = 1 },
	[0x0a] = { .payload = 4 },
	[0x0b] = { .payload = 8 },
	[0x0c] = { .payload = 1 },
	[0x0d] = { .payload = 2 },
	[0x0e] = { .payload = 4 },
	[0x0f] = { .payload = 8 },
	[0x10] = { .payload = 1 },
	[0x11] = { .payload = 2 },
	[0x12] = { .payload = 4 },
	[0x13] = { .payload = 8 },
	[0x14] = { .payload = 2 },
	[0x15] = { .payload = 3 },
	[0x16] = { .payload = 5 },
	[0x17] = { .payload = 9 },
	[0x18] = { .payload = 17 },
	[0x19] = { .len_bytes = 1 },
	[0x1a] = { .len_bytes = 2 },
	[0x1b] = { .len_bytes = 4 },
	[0x1c] = { .len_bytes = 2, .per_count = 1 },
	[0x1d] = { .len_bytes = 4, .per_count = 1 },
	[0x1e] = { .len_bytes = 2, .per_count = 2 },
	[0x1f] = { .len_bytes = 4, .per_count = 2 },
};

/* 0, or -1 for 0xc1, the one byte that begins no value. */
static int
head_of(uint8_t b, struct head *h)
{
	*h = (struct head){ 0 };
	if (b < 0x80 || b >= 0xe0)
		return 0;
	if (b < 0x90)
		*h = (struct head){ .per_count = 2, .count = b & 0x0f };
	else if (b < 0xa0)
		*h = (struct head){ .per_count = 1, .count = b & 0x0f };
	else if (b < 0xc0)
		*h = (struct head){ .count = b & 0x1f };
	else if (b == 0xc1)
		return -1;
	else
		*h = heads[b - 0xc0];
	return 0;
}

static uint32_t
big_endian(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static int
too_long(const struct frame_limits *lim, struct err *e)
{
	return err_set(e, ERR_LIMIT, "frame is longer than %zu bytes",
	    lim->max_bytes);
}

static int
too_many(const struct frame_limits *lim, struct err *e)
{
	return err_set(e, ERR_LIMIT, "frame has more than %zu values",
	    lim->max_items);
}

/* One value: its head, and the bytes that it has itself.  1: S is behind them,
 * 0: the head is not whole, -1: E filled. */
static int
take_value(struct frame_scan *s, const uint8_t *p, size_t n,
    const struct frame_limits *lim, struct err *e)
{
	struct head h;
	uint64_t count, body;

	if (s->at >= lim->max_bytes)
		return too_long(lim, e);
	if (s->at >= n)
		return 0;
	if (head_of(p[s->at], &h) == -1)
		return err_set(e, ERR_MALFORMED,
		    "byte %zu of the frame is 0xc1, which begins no "
		    "MessagePack value",
		    s->at);
	if (n - s->at < 1u + h.len_bytes)
		return s->at + 1 + h.len_bytes > lim->max_bytes ?
		    too_long(lim, e) :
		    0;
	if (++s->items > lim->max_items)
		return too_many(lim, e);
	count = h.len_bytes > 0 ? big_endian(p + s->at + 1, h.len_bytes) :
				  h.count;
	s->left[s->depth]--;
	s->owed--;
	s->at += 1 + h.len_bytes + h.payload;
	/* Every value takes a byte at least, those still owed by the
	 * containers around it too. */
	body = h.per_count > 0 ? count * h.per_count : count;
	if (s->at > lim->max_bytes || body + s->owed > lim->max_bytes - s->at)
		return err_set(e, ERR_LIMIT,
		    "frame wants %" PRIu64 " more bytes, over its limit of %zu",
		    body + s->owed, lim->max_bytes);
	if (h.per_count == 0) {
		s->at += body;
		return 1;
	}
	if (body > lim->max_items - s->items)
		return too_many(lim, e);
	if (++s->depth > lim->max_depth || s->depth > FRAME_DEPTH_CEILING)
		return err_set(e, ERR_LIMIT, "frame is nested deeper than %u",
		    lim->max_depth);
	s->left[s->depth] = body;
	s->owed += body;
	return 1;
}

int
frame_scan(struct frame_scan *s, const uint8_t *p, size_t n,
    const struct frame_limits *lim, size_t *len, struct err *e)
{
	int r;

	if (!s->begun) {
		s->begun = true;
		s->left[0] = s->owed = 1;
	}
	for (;;) {
		while (s->depth > 0 && s->left[s->depth] == 0)
			s->depth--;
		if (s->left[s->depth] == 0) {
			if (s->at > n)
				return 0;
			*len = s->at;
			*s = (struct frame_scan){ 0 };
			return 1;
		}
		r = take_value(s, p, n, lim, e);
		if (r != 1)
			return r;
	}
}
