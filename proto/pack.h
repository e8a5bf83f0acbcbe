/*
 * pack: short names for packing maps by hand.  Owns nothing.
 */
#ifndef PROTO_PACK_H
#define PROTO_PACK_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * A packer on BUF.  Where memory runs out BUF is spoilt: it holds nothing any
 * more, whatever else is packed into it, and spoils what it is appended to, so
 * that one look at the end is enough.
 */
void pack_init(msgpack_packer *, msgpack_sbuffer *buf);
bool pack_spoilt(const msgpack_sbuffer *);
void pack_spoil(msgpack_sbuffer *);
/* Values that are packed already. */
void pack_raw(msgpack_packer *, const void *, size_t);
void pack_append(msgpack_packer *, const msgpack_sbuffer *);

/* A map whose size is known only when it is complete: pack_map_begin reserves
 * a map32 header, pack_map_end writes the count of keys packed since. */
struct pack_map {
	msgpack_sbuffer *buf;
	size_t at;
	uint32_t n;
};
void pack_map_begin(msgpack_packer *, struct pack_map *);
void pack_map_end(struct pack_map *);
/* Packs a key of the open map; the caller packs its value next. */
void pack_key(msgpack_packer *, struct pack_map *, const char *key);

void pack_str(msgpack_packer *, const char *);
void pack_strn(msgpack_packer *, const char *, size_t);
void pack_bytes(msgpack_packer *, const void *, size_t);
void pack_bool(msgpack_packer *, bool);
/* str where the bytes are UTF-8, else bin: for paths and the like. */
void pack_text(msgpack_packer *, const char *, size_t);

/* Key and value at once. */
void pack_kv_str(msgpack_packer *, struct pack_map *, const char *key,
    const char *val);
void pack_kv_text(msgpack_packer *, struct pack_map *, const char *key,
    const char *val);
void pack_kv_uint(msgpack_packer *, struct pack_map *, const char *key,
    uint64_t val);
void pack_kv_int(msgpack_packer *, struct pack_map *, const char *key,
    int64_t val);
void pack_kv_bool(msgpack_packer *, struct pack_map *, const char *key,
    bool val);

#endif
