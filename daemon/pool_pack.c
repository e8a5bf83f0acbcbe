/*
 * pool_pack: what is told of a pool.
 */
#include "daemon/pool.h"
#include "daemon/templates.h"
#include "proto/pack.h"

void
pool_pack(const struct pool *p, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "min", pool_low(p));
	pack_kv_uint(pk, &m, "max", p->lane->t->cfg->standby_max);
	pack_kv_uint(pk, &m, "target", p->target);
	pack_kv_uint(pk, &m, "ready", p->nready);
	pack_kv_uint(pk, &m, "making", p->nmaking);
	pack_kv_uint(pk, &m, "taken", p->taken);
	pack_kv_uint(pk, &m, "missed", p->missed);
	pack_kv_uint(pk, &m, "failures", p->failures);
	pack_kv_uint(pk, &m, "dropped", p->dropped);
	if (p->private_kb != 0)
		pack_kv_uint(pk, &m, "private_kb", p->private_kb);
	pack_map_end(&m);
}
