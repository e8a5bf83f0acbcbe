#include "proto/pack.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reserve.h"

/* No sbuffer of its own making has room without having memory. */
#define SPOILT 1

static int
write_cb(void *data, const char *p, size_t n)
{
	msgpack_sbuffer *b = data;

	if (pack_spoilt(b))
		return -1;
	if (msgpack_sbuffer_write(b, p, n) == 0 ||
	    (b->size + n < RESERVE_EACH && reserve_spend() &&
		msgpack_sbuffer_write(b, p, n) == 0))
		return 0;
	pack_spoil(b);
	return -1;
}

void
pack_init(msgpack_packer *pk, msgpack_sbuffer *buf)
{
	msgpack_packer_init(pk, buf, write_cb);
}

bool
pack_spoilt(const msgpack_sbuffer *b)
{
	return b->data == NULL && b->alloc == SPOILT;
}

void
pack_spoil(msgpack_sbuffer *b)
{
	free(b->data);
	*b = (msgpack_sbuffer){ .alloc = SPOILT };
}

void
pack_raw(msgpack_packer *pk, const void *p, size_t n)
{
	pk->callback(pk->data, p, n);
}

void
pack_append(msgpack_packer *pk, const msgpack_sbuffer *from)
{
	if (pack_spoilt(from))
		pack_spoil(pk->data);
	else
		pack_raw(pk, from->data, from->size);
}

void
pack_map_begin(msgpack_packer *pk, struct pack_map *m)
{
	static const char head[5] = { (char)0xdf, 0, 0, 0, 0 };

	m->buf = pk->data;
	m->at = m->buf->size;
	m->n = 0;
	pack_raw(pk, head, sizeof(head));
}

void
pack_map_end(struct pack_map *m)
{
	uint32_t n = htonl(m->n);

	if (!pack_spoilt(m->buf))
		memcpy(m->buf->data + m->at + 1, &n, 4);
}

void
pack_key(msgpack_packer *pk, struct pack_map *m, const char *key)
{
	m->n++;
	pack_str(pk, key);
}

void
pack_str(msgpack_packer *pk, const char *s)
{
	pack_strn(pk, s, strlen(s));
}

void
pack_strn(msgpack_packer *pk, const char *s, size_t n)
{
	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, s, n);
}

void
pack_bytes(msgpack_packer *pk, const void *p, size_t n)
{
	msgpack_pack_bin(pk, n);
	msgpack_pack_bin_body(pk, p, n);
}

void
pack_bool(msgpack_packer *pk, bool v)
{
	if (v)
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
}

/* Bytes of the UTF-8 sequence at S, 0 where none is (RFC 3629, table 3-7 of
 * the Unicode standard: no overlong forms, no surrogates). */
static size_t
utf8_len(const unsigned char *s, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (n < len || s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

void
pack_text(msgpack_packer *pk, const char *s, size_t n)
{
	for (size_t i = 0, step; i < n; i += step) {
		step = utf8_len((const unsigned char *)s + i, n - i);
		if (step == 0) {
			pack_bytes(pk, s, n);
			return;
		}
	}
	pack_strn(pk, s, n);
}

void
pack_kv_str(msgpack_packer *pk, struct pack_map *m, const char *key,
    const char *val)
{
	pack_key(pk, m, key);
	pack_str(pk, val);
}

void
pack_kv_text(msgpack_packer *pk, struct pack_map *m, const char *key,
    const char *val)
{
	pack_key(pk, m, key);
	pack_text(pk, val, strlen(val));
}

void
pack_kv_uint(msgpack_packer *pk, struct pack_map *m, const char *key,
    uint64_t val)
{
	pack_key(pk, m, key);
	msgpack_pack_uint64(pk, val);
}

void
pack_kv_int(msgpack_packer *pk, struct pack_map *m, const char *key,
    int64_t val)
{
	pack_key(pk, m, key);
	msgpack_pack_int64(pk, val);
}

void
pack_kv_bool(msgpack_packer *pk, struct pack_map *m, const char *key, bool val)
{
	pack_key(pk, m, key);
	pack_bool(pk, val);
}
