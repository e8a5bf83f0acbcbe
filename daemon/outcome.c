#include "daemon/outcome.h"

#include "daemon/children.h"
#include "proto/buffer.h"
#include "proto/map.h"
#include "proto/pack.h"

static bool
fits(int outcome, const msgpack_object *o)
{
	if (outcome == OUTCOME_RESULT_ERROR)
		return o->type == MSGPACK_OBJECT_STR;
	return outcome == OUTCOME_RESULT || o->type == MSGPACK_OBJECT_MAP;
}

/* Packs the one value of M that is an outcome, of which C has none yet. */
static int
take_value(struct child *c, const msgpack_object_map *m, msgpack_sbuffer *raw,
    struct err *e)
{
	static const char *const keys[] = {
		[OUTCOME_RESULT] = "result",
		[OUTCOME_RESULT_ERROR] = "result_error",
		[OUTCOME_EXCEPTION] = "exception",
	};
	msgpack_packer pk;

	pack_init(&pk, raw);
	for (uint32_t i = 0; i < m->size; i++)
		for (int k = OUTCOME_RESULT; k <= OUTCOME_EXCEPTION; k++) {
			const msgpack_object *key = &m->ptr[i].key;

			if (c->outcome != OUTCOME_NONE ||
			    key->type != MSGPACK_OBJECT_STR ||
			    !bytes_eq((struct bytes){ key->via.str.ptr,
					  key->via.str.size },
				keys[k]))
				continue;
			if (!fits(k, &m->ptr[i].val))
				return err_set(e, ERR_MALFORMED,
				    "`%s` of the wrong type", keys[k]);
			c->outcome = k;
			msgpack_pack_object(&pk, m->ptr[i].val);
		}
	if (c->outcome == OUTCOME_NONE)
		return err_set(e, ERR_MALFORMED, "`done` with no outcome");
	return 0;
}

static void
refuse(struct child *c, msgpack_sbuffer *raw, const char *why)
{
	msgpack_packer pk;

	buffer_fini(raw);
	buffer_init(raw);
	pack_init(&pk, raw);
	c->outcome = OUTCOME_RESULT_ERROR;
	pack_str(&pk, why);
}

int
outcome_take(struct child *c, const msgpack_object *params, struct err *e)
{
	static const char scarce[] = "the daemon had no memory for it";
	msgpack_sbuffer raw;
	int r;

	if (params->type != MSGPACK_OBJECT_MAP)
		return err_set(e, ERR_MALFORMED, "`done` without a map");
	buffer_init(&raw);
	r = take_value(c, &params->via.map, &raw, e);
	if (pack_spoilt(&raw))
		refuse(c, &raw, scarce);
	else if (raw.size > CHILD_OUTCOME_MAX)
		refuse(c, &raw, "it is larger than result_bytes");
	if (r == 0 && buffer_keep(&c->outcome_raw, &raw) == -1) {
		/* The child has done its work: it is not to be killed. */
		refuse(c, &raw, scarce);
		if (buffer_keep(&c->outcome_raw, &raw) == -1) {
			c->outcome = OUTCOME_NONE;
			r = err_memory(e, "an outcome");
		}
	}
	buffer_fini(&raw);
	return r;
}
