#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

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
	bool ready;
	char buf[48];

	if (map_str(m, "state", MAP_OPTIONAL, 32, &state) != 1)
		state = (struct bytes){ "-", 1 };
	if (bytes_eq(state, "running") &&
	    map_bool(m, "ready", MAP_OPTIONAL, &ready) == 1 && !ready)
		state = bytes_of("unready");
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

/* With the status text where the child tells one.  DEPTH: below how many others
 * it is shown. */
static void
title_cell(struct table *t, struct map *m, unsigned depth)
{
	struct bytes title = { "-", 1 }, status = { "", 0 };
	char *text;
	int n;

	if (map_text(m, "title", MAP_OPTIONAL, SIZE_MAX, &title) != 1 ||
	    title.n == 0)
		map_text(m, "entry", MAP_OPTIONAL, SIZE_MAX, &title);
	map_text(m, "status", MAP_OPTIONAL, SIZE_MAX, &status);
	n = asprintf(&text, "%*s%s%.*s%s%.*s%s",
	    depth > 0 ? (int)(2 * (depth - 1)) : 0, "", depth > 0 ? "\\_ " : "",
	    (int)title.n, title.p, status.n > 0 ? " (" : "", (int)status.n,
	    status.p, status.n > 0 ? ")" : "");
	if (n == -1)
		abort();
	table_text(t, text, n);
	free(text);
}

static void
row(struct table *t, const msgpack_object *o, unsigned depth)
{
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == -1)
		return;
	table_map_uint(t, &m, "id");
	table_map_uint(t, &m, "pid");
	table_map_uint(t, &m, "uid");
	table_map_text(t, &m, "template");
	state_cell(t, &m);
	table_map_text(t, &m, "start");
	table_map_duration(t, &m, "age_ns");
	title_cell(t, &m, depth);
}

struct node {
	const msgpack_object *o;
	uint64_t id, parent;
};

/* The children of PARENT, each with those below it. */
static void
branch(struct table *t, const struct node *v, size_t n, uint64_t parent,
    unsigned depth)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].parent == parent) {
			row(t, v[i].o, depth);
			branch(t, v, n, v[i].id, depth + 1);
		}
}

static void
rows_as_tree(struct table *t, const msgpack_object_array *children)
{
	struct node *v = calloc(children->size + 1, sizeof(*v));

	if (v == NULL)
		abort();
	for (uint32_t i = 0; i < children->size; i++) {
		const msgpack_object *o = &children->ptr[i];
		uint64_t parent = rpc_uint(o, "parent");

		v[i] = (struct node){ o, rpc_uint(o, "id"), 0 };
		/* One that is not listed is nobody's parent here.  They are
		 * in the order of their ids, parents first. */
		for (uint32_t j = 0; j < i; j++)
			if (v[j].id == parent)
				v[i].parent = parent;
	}
	branch(t, v, children->size, 0, 0);
	free(v);
}

static void
print(const msgpack_object *o, bool tree)
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
	if (tree)
		rows_as_tree(&t, children);
	for (uint32_t i = 0; i < children->size && !tree; i++)
		row(&t, &children->ptr[i], 0);
	table_print(&t, stdout, table_screen());
	table_fini(&t);
}

static int
exec_ps(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "all", no_argument, NULL, 'a' },
		{ "tree", no_argument, NULL, 't' }, { NULL, 0, NULL, 0 } };
	bool all = false, tree = false;
	struct params p;
	struct answer a;
	int c, status;

	while ((c = getopt_long(argc, argv, "at", options, NULL)) != -1) {
		if (c == 'a')
			all = true;
		else if (c == 't')
			tree = true;
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
		print(&a.value.data, tree);
	answer_fini(&a);
	return status;
}

const struct verb verb_ps = {
	.name = "ps",
	.args = "[-a] [-t]",
	.line = "list the children",
	.help = "  -a, --all          those that have ended, too, with their "
		"exit code or signal\n"
		"  -t, --tree         each below the one that has asked for "
		"it\n",
	.exec = exec_ps,
};
