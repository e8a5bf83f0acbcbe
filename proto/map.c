#include "proto/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
type_name(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		return "nil";
	case MSGPACK_OBJECT_BOOLEAN:
		return "bool";
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return "int";
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return "float";
	case MSGPACK_OBJECT_STR:
		return "str";
	case MSGPACK_OBJECT_BIN:
		return "bin";
	case MSGPACK_OBJECT_ARRAY:
		return "array";
	case MSGPACK_OBJECT_MAP:
		return "map";
	case MSGPACK_OBJECT_EXT:
		return "ext";
	}
	return "unknown type";
}

static bool
is_text(const msgpack_object *o, struct bytes *b)
{
	if (o->type == MSGPACK_OBJECT_STR)
		*b = (struct bytes){ o->via.str.ptr, o->via.str.size };
	else if (o->type == MSGPACK_OBJECT_BIN)
		*b = (struct bytes){ o->via.bin.ptr, o->via.bin.size };
	else
		return false;
	if (b->n == 0) /* msgpack-c's has none */
		b->p = "";
	return true;
}

/* Full path of KEY in BUF, for errors. */
static const char *
key_path(const struct map *m, const char *key, char *buf, size_t n)
{
	snprintf(buf, n, "%s%s%s", m->where, m->where[0] != '\0' ? "." : "",
	    key);
	return buf;
}

static int
wrong_type(const struct map *m, const char *key, const char *want,
    const msgpack_object *got)
{
	char path[sizeof(m->e->key)];

	key_path(m, key, path, sizeof(path));
	return err_key(m->e, path, "\"%s\" must be %s, not %s", path, want,
	    type_name(got));
}

/* A peer's key made fit to print: ASCII, cut. */
static const char *
printable(struct bytes b, char *buf, size_t n)
{
	size_t i;

	for (i = 0; i < b.n && i + 1 < n; i++)
		buf[i] = b.p[i] >= 0x20 && b.p[i] < 0x7f ? b.p[i] : '?';
	buf[i] = '\0';
	return buf;
}

int
map_init(struct map *m, const msgpack_object *obj, const char *where,
    struct err *e)
{
	struct bytes a, b;
	char name[40];

	*m = (struct map){ .where = where, .e = e };
	if (obj->type != MSGPACK_OBJECT_MAP)
		return err_key(e, where, "%s must be a map, not %s",
		    where[0] != '\0' ? where : "params", type_name(obj));
	m->m = &obj->via.map;
	if (m->m->size > MAP_MAX_KEYS)
		return err_key(e, where, "%u keys, at most %d are known",
		    m->m->size, MAP_MAX_KEYS);
	for (uint32_t i = 0; i < m->m->size; i++) {
		if (!is_text(&m->m->ptr[i].key, &a))
			return err_key(e, where, "a key must be str, not %s",
			    type_name(&m->m->ptr[i].key));
		for (uint32_t j = 0; j < i; j++)
			if (is_text(&m->m->ptr[j].key, &b) && a.n == b.n &&
			    memcmp(a.p, b.p, a.n) == 0) {
				printable(a, name, sizeof(name));
				return err_key(e, name, "\"%s\" is there twice",
				    name);
			}
	}
	return 0;
}

int
map_obj(struct map *m, const char *key, enum map_need need,
    const msgpack_object **out)
{
	struct bytes b;
	char path[sizeof(m->e->key)];

	for (uint32_t i = 0; i < m->m->size; i++) {
		if (!is_text(&m->m->ptr[i].key, &b) || !bytes_eq(b, key))
			continue;
		m->seen |= UINT64_C(1) << i;
		if (m->m->ptr[i].val.type == MSGPACK_OBJECT_NIL)
			break;
		*out = &m->m->ptr[i].val;
		return 1;
	}
	if (need == MAP_OPTIONAL)
		return 0;
	key_path(m, key, path, sizeof(path));
	err_key(m->e, path, "\"%s\" is missing", path);
	return -1;
}

int
map_bool(struct map *m, const char *key, enum map_need need, bool *out)
{
	const msgpack_object *o;
	int r = map_obj(m, key, need, &o);

	if (r != 1)
		return r;
	if (o->type != MSGPACK_OBJECT_BOOLEAN)
		return wrong_type(m, key, "a bool", o);
	*out = o->via.boolean;
	return 1;
}

int
map_uint(struct map *m, const char *key, enum map_need need, uint64_t max,
    uint64_t *out)
{
	const msgpack_object *o;
	char path[sizeof(m->e->key)];
	int r = map_obj(m, key, need, &o);

	if (r != 1)
		return r;
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
	    o->type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return wrong_type(m, key, "an int of 0 or more", o);
	if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER || o->via.u64 > max) {
		key_path(m, key, path, sizeof(path));
		return err_key(m->e, path,
		    "\"%s\" must be from 0 to %" PRIu64 ", not %s%" PRIu64,
		    path, max,
		    o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ? "-" : "",
		    o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ?
			-(uint64_t)o->via.i64 :
			o->via.u64);
	}
	*out = o->via.u64;
	return 1;
}

int
map_int(struct map *m, const char *key, enum map_need need, int64_t min,
    int64_t max, int64_t *out)
{
	const msgpack_object *o;
	char path[sizeof(m->e->key)];
	int r = map_obj(m, key, need, &o);
	bool neg, pos;

	if (r != 1)
		return r;
	neg = o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER;
	pos = o->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
	if (!neg && !pos)
		return wrong_type(m, key, "an int", o);
	if ((pos && (o->via.u64 > INT64_MAX || (int64_t)o->via.u64 > max)) ||
	    (pos && (int64_t)o->via.u64 < min) ||
	    (neg && (o->via.i64 < min || o->via.i64 > max))) {
		key_path(m, key, path, sizeof(path));
		return err_key(m->e, path,
		    "\"%s\" must be from %" PRId64 " to %" PRId64, path, min,
		    max);
	}
	*out = o->via.i64;
	return 1;
}

static int
check_len(const struct map *m, const char *key, size_t n, size_t max,
    const char *unit)
{
	char path[sizeof(m->e->key)];

	if (n <= max)
		return 0;
	key_path(m, key, path, sizeof(path));
	err_key(m->e, path, "\"%s\" has %zu %s, at most %zu are allowed", path,
	    n, unit, max);
	m->e->code = ERR_LIMIT;
	return -1;
}

int
map_str(struct map *m, const char *key, enum map_need need, size_t max,
    struct bytes *out)
{
	const msgpack_object *o;
	int r = map_obj(m, key, need, &o);

	if (r != 1)
		return r;
	if (o->type != MSGPACK_OBJECT_STR)
		return wrong_type(m, key, "a str", o);
	if (check_len(m, key, o->via.str.size, max, "bytes") == -1)
		return -1;
	is_text(o, out);
	return 1;
}

static int
text_of(const struct map *m, const char *key, const msgpack_object *o,
    size_t max, struct bytes *out)
{
	char path[sizeof(m->e->key)];

	if (!is_text(o, out))
		return wrong_type(m, key, "a str or bin", o);
	if (check_len(m, key, out->n, max, "bytes") == -1)
		return -1;
	if (memchr(out->p, '\0', out->n) == NULL)
		return 1;
	key_path(m, key, path, sizeof(path));
	return err_key(m->e, path, "\"%s\" has a NUL byte in it", path);
}

int
map_text(struct map *m, const char *key, enum map_need need, size_t max,
    struct bytes *out)
{
	const msgpack_object *o;
	int r = map_obj(m, key, need, &o);

	return r != 1 ? r : text_of(m, key, o, max, out);
}

int
map_text_at(struct map *m, const char *key, const msgpack_object_array *a,
    size_t i, size_t max, struct bytes *out)
{
	char path[sizeof(m->e->key)];

	snprintf(path, sizeof(path), "%s[%zu]", key, i);
	return text_of(m, path, &a->ptr[i], max, out) == 1 ? 0 : -1;
}

int
map_array(struct map *m, const char *key, enum map_need need, size_t max,
    const msgpack_object_array **out)
{
	const msgpack_object *o;
	int r = map_obj(m, key, need, &o);

	if (r != 1)
		return r;
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return wrong_type(m, key, "an array", o);
	if (check_len(m, key, o->via.array.size, max, "elements") == -1)
		return -1;
	*out = &o->via.array;
	return 1;
}

int
map_map(struct map *m, const char *key, enum map_need need, size_t max,
    const msgpack_object_map **out)
{
	const msgpack_object *o;
	int r = map_obj(m, key, need, &o);

	if (r != 1)
		return r;
	if (o->type != MSGPACK_OBJECT_MAP)
		return wrong_type(m, key, "a map", o);
	if (check_len(m, key, o->via.map.size, max, "keys") == -1)
		return -1;
	*out = &o->via.map;
	return 1;
}

int
map_end(struct map *m)
{
	char name[40], path[sizeof(m->e->key)];
	struct bytes b;

	for (uint32_t i = 0; i < m->m->size; i++) {
		if ((m->seen & UINT64_C(1) << i) != 0)
			continue;
		if (!is_text(&m->m->ptr[i].key, &b))
			continue;
		printable(b, name, sizeof(name));
		key_path(m, name, path, sizeof(path));
		return err_key(m->e, path, "\"%s\" is not a known key", path);
	}
	return 0;
}

char *
bytes_dup(struct bytes b)
{
	return strndup(b.p != NULL ? b.p : "", b.n);
}

struct bytes
bytes_of(const char *s)
{
	return (struct bytes){ s, strlen(s) };
}

struct bytes
bytes_cut(struct bytes b, size_t max)
{
	if (b.n > max)
		for (b.n = max; b.n > 0 && (b.p[b.n] & 0xc0) == 0x80;)
			b.n--;
	return b;
}

bool
bytes_eq(struct bytes b, const char *s)
{
	return strlen(s) == b.n && (b.n == 0 || memcmp(b.p, s, b.n) == 0);
}
