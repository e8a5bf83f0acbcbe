#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/table.h"
#include "client/forkctl/tree.h"

static bool
is_key(const msgpack_object *key, const char *name)
{
	return key->type == MSGPACK_OBJECT_STR &&
	    bytes_eq((struct bytes){ key->via.str.ptr, key->via.str.size },
		name);
}

static void
phase_row(struct table *t, const msgpack_object *start,
    const msgpack_object_kv *phase)
{
	size_t n;
	struct map m;
	struct err e;

	if (start->type != MSGPACK_OBJECT_STR ||
	    phase->key.type != MSGPACK_OBJECT_STR ||
	    map_init(&m, &phase->val, "latency.", &e) == -1)
		return;
	table_text(t, start->via.str.ptr, start->via.str.size);
	n = phase->key.via.str.size;
	if (n > 3 && memcmp(phase->key.via.str.ptr + n - 3, "_ns", 3) == 0)
		n -= 3;
	table_text(t, phase->key.via.str.ptr, n);
	table_map_uint(t, &m, "count");
	table_map_duration(t, &m, "p50_ns");
	table_map_duration(t, &m, "p90_ns");
	table_map_duration(t, &m, "p99_ns");
	table_map_duration(t, &m, "max_ns");
}

static void
print_latency(const msgpack_object *latency)
{
	static const char *const heads[] = { "START", "PHASE", "COUNT", "P50",
		"P90", "P99", "MAX" };
	struct table t;

	if (latency->type != MSGPACK_OBJECT_MAP || latency->via.map.size == 0)
		return;
	table_init(&t, 7, 0x7c);
	for (size_t i = 0; i < 7; i++)
		table_str(&t, heads[i]);
	for (uint32_t s = 0; s < latency->via.map.size; s++) {
		const msgpack_object_kv *start = &latency->via.map.ptr[s];

		if (start->val.type != MSGPACK_OBJECT_MAP)
			continue;
		for (uint32_t p = 0; p < start->val.via.map.size; p++)
			phase_row(&t, &start->key, &start->val.via.map.ptr[p]);
	}
	fputc('\n', stdout);
	table_print(&t, stdout, 0);
	table_fini(&t);
}

/* The latencies are a table below the rest. */
static void
print_status(const msgpack_object *reply)
{
	const msgpack_object *latency = NULL;
	msgpack_object rest = *reply;
	msgpack_object_kv *kvs;
	uint32_t n = 0;

	if (reply->type != MSGPACK_OBJECT_MAP)
		return;
	kvs = calloc(reply->via.map.size + 1, sizeof(*kvs));
	if (kvs == NULL)
		abort();
	for (uint32_t i = 0; i < reply->via.map.size; i++)
		if (is_key(&reply->via.map.ptr[i].key, "latency"))
			latency = &reply->via.map.ptr[i].val;
		else
			kvs[n++] = reply->via.map.ptr[i];
	rest.via.map = (msgpack_object_map){ .size = n, .ptr = kvs };
	tree_print(stdout, &rest);
	if (latency != NULL)
		print_latency(latency);
	free(kvs);
}

static int
exec_status(struct context *ctx, int argc, char **argv)
{
	struct answer a;
	int status;

	if (verb_plain(&verb_status, ctx, argc, argv, 0, &status))
		return status;
	status = rpc_once(ctx, "status", NULL, RPC_TIMEOUT_MS, &a);
	if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (status == 0)
		print_status(&a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_status = {
	.name = "status",
	.args = "",
	.line = "show the daemon, its counts, its templates and its latencies",
	.help =
	    "Below the rest: how long the children that started took, by start "
	    "kind and phase,\nsince the daemon's start. `queue` is until the "
	    "fork is ordered, `fork` until the\nchild exists, `adopt` until it "
	    "has its interpreter, `setup` until descriptors,\nenvironment and "
	    "directory are in place, `import` until its entry is imported,\n"
	    "`notice` until the daemon knows; `total` is all of it.\n",
	.exec = exec_status,
};
