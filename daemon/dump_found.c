#include "daemon/dump_found.h"

#include "daemon/children.h"
#include "proto/map.h"
#include "proto/pack.h"

void
dump_found_init(struct dump_found *f)
{
	*f = (struct dump_found){ 0 };
	msgpack_sbuffer_init(&f->look);
	msgpack_sbuffer_init(&f->stacks);
}

void
dump_found_fini(struct dump_found *f)
{
	msgpack_sbuffer_destroy(&f->look);
	msgpack_sbuffer_destroy(&f->stacks);
}

/* Why Python has not answered, where the handler in C has. */
static const char *
why_not_python(const struct child *c)
{
	if (c->succeeded && !c->promoted)
		return "an unpromoted child has no Python signal handlers";
	return "the main thread has not come back to Python in time: it is in "
	       "a call of C code";
}

/* Copies KEY of the look, of TYPE, or its error.  Whether it was there. */
static bool
copy_key(struct map *look, const char *key, msgpack_object_type type,
    msgpack_packer *pk, struct pack_map *m)
{
	const msgpack_object *o;

	if (map_obj(look, key, MAP_OPTIONAL, &o) != 1 || o->type != type)
		return false;
	pack_key(pk, m, key);
	msgpack_pack_object(pk, *o);
	return true;
}

static bool
is_empty(struct map *look, const char *key)
{
	const msgpack_object_array *a;

	return map_array(look, key, MAP_REQUIRED, SIZE_MAX, &a) == 1 &&
	    a->size == 0;
}

static void
pack_looked(const struct dump_found *f, msgpack_packer *pk, struct pack_map *m)
{
	msgpack_unpacked u;
	struct map look;
	struct err e;

	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, f->look.data, f->look.size, NULL) ==
		MSGPACK_UNPACK_SUCCESS &&
	    map_init(&look, &u.data, "look", &e) == 0) {
		if (copy_key(&look, "trio", MSGPACK_OBJECT_ARRAY, pk, m)) {
			if (!is_empty(&look, "trio"))
				pack_kv_bool(pk, m, "turning", f->turned);
		} else if (!copy_key(&look, "trio_error", MSGPACK_OBJECT_STR,
			       pk, m)) {
			pack_kv_str(pk, m, "trio_error", "it told of none");
		}
		if (!f->whole &&
		    !copy_key(&look, "stacks", MSGPACK_OBJECT_STR, pk, m) &&
		    !copy_key(&look, "stacks_error", MSGPACK_OBJECT_STR, pk, m))
			pack_kv_str(pk, m, "stacks_error", "it told of none");
	}
	msgpack_unpacked_destroy(&u);
}

void
dump_found_pack(const struct dump_found *f, const struct child *c,
    const char *why, msgpack_packer *pk, struct pack_map *m)
{
	if (f->looked)
		pack_looked(f, pk, m);
	else
		pack_kv_str(pk, m, "trio_error",
		    f->whole ? why_not_python(c) : why);
	if (f->whole) {
		pack_key(pk, m, "stacks");
		pack_text(pk, f->stacks.data, f->stacks.size);
	} else if (!f->looked) {
		pack_kv_str(pk, m, "stacks_error", why);
	}
	if (f->whole || f->looked)
		pack_kv_str(pk, m, "stacks_by", f->whole ? "signal" : "python");
}
