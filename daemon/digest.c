#include "daemon/digest.h"

#include <stdbool.h>

#include "proto/map.h"

uint64_t
digest_bytes(uint64_t d, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		d = (d ^ b[i]) * UINT64_C(0x100000001b3);
	return d;
}

static uint64_t digest_object(uint64_t d, const msgpack_object *o);

/* No order: a sum. */
static uint64_t
digest_pairs(const msgpack_object_map *m, const char *const *skip)
{
	uint64_t sum = m->size;

	for (uint32_t i = 0; i < m->size; i++) {
		const msgpack_object *k = &m->ptr[i].key;
		bool skipped = skip != NULL &&
		    m->ptr[i].val.type == MSGPACK_OBJECT_NIL;

		for (size_t s = 0; skip != NULL && skip[s] != NULL; s++)
			skipped = skipped ||
			    (k->type == MSGPACK_OBJECT_STR &&
				bytes_eq((struct bytes){ k->via.str.ptr,
					     k->via.str.size },
				    skip[s]));
		if (skipped)
			sum--;
		else
			sum += digest_object(digest_object(DIGEST_BEGIN, k),
			    &m->ptr[i].val);
	}
	return sum;
}

/* Behind the type and the length: a text is no prefix of another value. */
static uint64_t
digest_sized(uint64_t d, const char *p, uint32_t n)
{
	return digest_bytes(digest_bytes(d, &n, sizeof(n)), p, n);
}

static uint64_t
digest_object(uint64_t d, const msgpack_object *o)
{
	uint64_t sum;

	d = digest_bytes(d, &o->type, sizeof(o->type));
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		break;
	case MSGPACK_OBJECT_BOOLEAN:
		d = digest_bytes(d, &o->via.boolean, sizeof(o->via.boolean));
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		d = digest_bytes(d, &o->via.u64, sizeof(o->via.u64));
		break;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		d = digest_bytes(d, &o->via.f64, sizeof(o->via.f64));
		break;
	case MSGPACK_OBJECT_STR:
		d = digest_sized(d, o->via.str.ptr, o->via.str.size);
		break;
	case MSGPACK_OBJECT_BIN:
		d = digest_sized(d, o->via.bin.ptr, o->via.bin.size);
		break;
	case MSGPACK_OBJECT_EXT:
		d = digest_bytes(d, &o->via.ext.type, sizeof(o->via.ext.type));
		d = digest_sized(d, o->via.ext.ptr, o->via.ext.size);
		break;
	case MSGPACK_OBJECT_ARRAY:
		d = digest_bytes(d, &o->via.array.size,
		    sizeof(o->via.array.size));
		for (uint32_t i = 0; i < o->via.array.size; i++)
			d = digest_object(d, &o->via.array.ptr[i]);
		break;
	case MSGPACK_OBJECT_MAP:
		sum = digest_pairs(&o->via.map, NULL);
		d = digest_bytes(d, &sum, sizeof(sum));
		break;
	}
	return d;
}

uint64_t
digest_params(const msgpack_object *o, const char *const *skip)
{
	return o->type == MSGPACK_OBJECT_MAP ? digest_pairs(&o->via.map, skip) :
					       0;
}
