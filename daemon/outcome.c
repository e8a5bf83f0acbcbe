#include "daemon/outcome.h"

#include "daemon/children.h"
#include "proto/map.h"
#include "proto/pack.h"

static bool
fits(int outcome, const msgpack_object *o)
{
	if (outcome == OUTCOME_RESULT_ERROR)
		return o->type == MSGPACK_OBJECT_STR;
	return outcome == OUTCOME_RESULT || o->type == MSGPACK_OBJECT_MAP;
}

int
outcome_take(struct child *c, const msgpack_object *params, struct err *e)
{
	static const char *const keys[] = {
		[OUTCOME_RESULT] = "result",
		[OUTCOME_RESULT_ERROR] = "result_error",
		[OUTCOME_EXCEPTION] = "exception",
	};
	const msgpack_object_map *map = &params->via.map;
	msgpack_packer pk;

	if (params->type != MSGPACK_OBJECT_MAP)
		return err_set(e, ERR_MALFORMED, "`done` without a map");
	msgpack_packer_init(&pk, &c->outcome_raw, msgpack_sbuffer_write);
	for (uint32_t i = 0; i < map->size; i++)
		for (int k = OUTCOME_RESULT; k <= OUTCOME_EXCEPTION; k++) {
			const msgpack_object *key = &map->ptr[i].key;

			if (c->outcome != OUTCOME_NONE ||
			    key->type != MSGPACK_OBJECT_STR ||
			    !bytes_eq((struct bytes){ key->via.str.ptr,
					  key->via.str.size },
				keys[k]))
				continue;
			if (!fits(k, &map->ptr[i].val))
				return err_set(e, ERR_MALFORMED,
				    "`%s` of the wrong type", keys[k]);
			c->outcome = k;
			msgpack_pack_object(&pk, map->ptr[i].val);
		}
	if (c->outcome == OUTCOME_NONE)
		return err_set(e, ERR_MALFORMED, "`done` with no outcome");
	if (c->outcome_raw.size <= CHILD_OUTCOME_MAX) {
		pack_shrink(&c->outcome_raw);
		return 0;
	}
	msgpack_sbuffer_destroy(&c->outcome_raw);
	msgpack_sbuffer_init(&c->outcome_raw);
	msgpack_packer_init(&pk, &c->outcome_raw, msgpack_sbuffer_write);
	c->outcome = OUTCOME_RESULT_ERROR;
	pack_str(&pk, "it is larger than result_bytes");
	return 0;
}
