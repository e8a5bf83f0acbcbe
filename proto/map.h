/*
 * map: reads a map key by key, each with the type it must have, and tells the
 * key and what was expected when it has not.  Borrows the object it reads.
 */
#ifndef PROTO_MAP_H
#define PROTO_MAP_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

#define MAP_MAX_KEYS 64

struct map {
	const msgpack_object_map *m;
	const char *where; /* prefix of key paths in errors, "" at the top */
	uint64_t seen;     /* one bit for each entry that was asked for */
	struct err *e;
};

/* Bytes of a str or bin value; not NUL-terminated.  Points into the frame. */
struct bytes {
	const char *p;
	size_t n;
};

enum map_need { MAP_OPTIONAL, MAP_REQUIRED };

/*
 * Begins to read OBJ, which must be a map of at most MAP_MAX_KEYS keys, each a
 * str (or bin) and none twice.  E is kept and filled by the calls below.
 * Returns 0, or -1 with E filled.
 */
int map_init(struct map *, const msgpack_object *obj, const char *where,
    struct err *e);

/*
 * Each returns 1 when the key is there and good, 0 when it is optional and
 * absent or nil (the output is left as it was), -1 with the error filled.
 */
int map_obj(struct map *, const char *key, enum map_need,
    const msgpack_object **);
int map_bool(struct map *, const char *key, enum map_need, bool *);
int map_uint(struct map *, const char *key, enum map_need, uint64_t max,
    uint64_t *);
int map_int(struct map *, const char *key, enum map_need, int64_t min,
    int64_t max, int64_t *);
/* str only. */
int map_str(struct map *, const char *key, enum map_need, size_t max,
    struct bytes *);
/* str or bin without a NUL byte: paths, argv, environment. */
int map_text(struct map *, const char *key, enum map_need, size_t max,
    struct bytes *);
int map_array(struct map *, const char *key, enum map_need, size_t max,
    const msgpack_object_array **);
int map_map(struct map *, const char *key, enum map_need, size_t max,
    const msgpack_object_map **);

/* Element I of the array at KEY, as map_text reads it.  0 or -1. */
int map_text_at(struct map *, const char *key, const msgpack_object_array *,
    size_t i, size_t max, struct bytes *);

/* Error if any key was never asked for.  0 or -1. */
int map_end(struct map *);

/* The bytes of S, which it points into. */
struct bytes bytes_of(const char *s);
/* A NUL-terminated copy of B; the caller frees it.  NULL: no memory. */
char *bytes_dup(struct bytes b);
bool bytes_eq(struct bytes b, const char *s);
/* B's first MAX bytes at most, not ending inside a character of UTF-8. */
struct bytes bytes_cut(struct bytes b, size_t max);

#endif
