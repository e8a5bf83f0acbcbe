#include <getopt.h>
#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/table.h"

/* The state, and of an ended child how it ended. */
static void
state_cell(struct table *t, struct map *m)
{
	const msgpack_object *record;
	struct bytes state;
	struct map r;
	struct err e;
	int64_t v;
	char buf[48];

	if (map_str(m, "state", MAP_OPTIONAL, 32, &state) != 1)
		state = (struct bytes){ "-", 1 };
	if (map_obj(m, "record", MAP_OPTIONAL, &record) != 1 ||
	    map_init(&r, record, "", &e) == -1) {
		table_text(t, state.p, state.n);
		return;
	}
	if (map_int(&r, "signal", MAP_OPTIONAL, 0, 64, &v) == 1)
		snprintf(buf, sizeof(buf), "%.*s SIG%d", (int)state.n, state.p,
		    (int)v);
	else if (map_int(&r, "exit_code", MAP_OPTIONAL, 0, 255, &v) == 1)
		snprintf(buf, sizeof(buf), "%.*s %d", (int)state.n, state.p,
		    (int)v);
	else
		snprintf(buf, sizeof(buf), "%.*s", (int)state.n, state.p);
	table_str(t, buf);
}

static void
row(struct table *t, const msgpack_object *o)
{
	struct map m;
	struct err e;
	struct bytes title;

	if (map_init(&m, o, "", &e) == -1)
		return;
	table_map_uint(t, &m, "id");
	table_map_uint(t, &m, "pid");
	table_map_uint(t, &m, "uid");
	table_map_text(t, &m, "template");
	state_cell(t, &m);
	table_map_text(t, &m, "start");
	table_map_duration(t, &m, "age_ns");
	if (map_text(&m, "title", MAP_OPTIONAL, SIZE_MAX, &title) == 1 &&
	    title.n > 0)
		table_text(t, title.p, title.n);
	else
		table_map_text(t, &m, "entry");
}

static void
print(const msgpack_object *o)
{
	static const char *const heads[] = { "ID", "PID", "UID", "TEMPLATE",
		"STATE", "START", "AGE", "TITLE" };
	const msgpack_object_array *children;
	struct table t;
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == -1 ||
	    map_array(&m, "children", MAP_REQUIRED, SIZE_MAX, &children) != 1) {
		fprintf(stderr, "forkctl: the reply has no children\n");
		return;
	}
	table_init(&t, 8, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 6);
	for (size_t i = 0; i < 8; i++)
		table_str(&t, heads[i]);
	for (uint32_t i = 0; i < children->size; i++)
		row(&t, &children->ptr[i]);
	table_print(&t, stdout, table_screen());
	table_fini(&t);
}

static int
exec_ps(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "all", no_argument, NULL, 'a' }, { NULL, 0, NULL, 0 } };
	bool all = false;
	struct params p;
	struct answer a;
	int c, status;

	while ((c = getopt_long(argc, argv, "a", options, NULL)) != -1) {
		if (c == 'a')
			all = true;
		else if (verb_common(&verb_ps, ctx, c, optarg, &status))
			return status;
	}
	if (optind != argc)
		return verb_usage(&verb_ps, "too many words");
	params_init(&p);
	if (all)
		pack_kv_bool(&p.pk, &p.map, "all", true);
	status = rpc_once(ctx, "list", &p, RPC_TIMEOUT_MS, &a);
	if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (status == 0)
		print(&a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_ps = {
	.name = "ps",
	.args = "[-a]",
	.line = "list the children",
	.help = "  -a, --all          those that have ended, too, with their "
		"exit code or signal\n",
	.exec = exec_ps,
};
