#include "daemon/zygote/order.h"

#include <limits.h>
#include <stdlib.h>

#include "proto/map.h"
#include "proto/orders.h"

int
order_list(const msgpack_object *params, const msgpack_object_array **a,
    struct err *e)
{
	struct map m;

	if (map_init(&m, params, "fork", e) == -1 ||
	    map_array(&m, "orders", MAP_REQUIRED, ORDERS_MAX, a) == -1)
		return -1;
	return map_end(&m);
}

int
order_read(struct order *o, const msgpack_object *map, struct err *e)
{
	struct bytes cgroup;
	struct map m;
	int leased, r;

	*o = (struct order){ 0 };
	/* What it claims is known also where the rest is wrong. */
	if (map_init(&m, map, "fork.orders", e) == -1 ||
	    map_bool(&m, "procs", MAP_OPTIONAL, &o->procs) == -1 ||
	    map_uint(&m, "order", MAP_REQUIRED, UINT64_MAX, &o->number) == -1 ||
	    map_bool(&m, "standby", MAP_OPTIONAL, &o->standby) == -1)
		return -1;
	leased = map_uint(&m, "grace_ns", MAP_OPTIONAL, INT64_MAX,
	    &o->grace_ns);
	r = map_text(&m, "cgroup", MAP_OPTIONAL, PATH_MAX, &cgroup);
	if (leased == -1 || r == -1)
		return -1;
	o->leased = leased == 1;
	if (r == 1 && (o->cgroup = bytes_dup(cgroup)) == NULL)
		return err_memory(e, "an order");
	return map_end(&m);
}

void
order_fini(struct order *o)
{
	free(o->cgroup);
	*o = (struct order){ 0 };
}
