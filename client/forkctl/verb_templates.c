#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/table.h"
#include "client/forkctl/text.h"

static void
row(struct table *t, const msgpack_object *o)
{
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == -1)
		return;
	table_map_text(t, &m, "name");
	table_map_text(t, &m, "mode");
	table_map_text(t, &m, "state");
	table_map_uint(t, &m, "generation");
	table_map_uint(t, &m, "pid");
	table_map_uint(t, &m, "children");
	table_map_uint(t, &m, "failures");
	table_map_text(t, &m, "way");
	table_map_text(t, &m, "reason");
}

static void
tell_text(struct map *m, const char *key, const char *before, bool block)
{
	struct bytes b;

	if (map_text(m, key, MAP_OPTIONAL, SIZE_MAX, &b) != 1 || b.n == 0)
		return;
	fputs(before, stdout);
	if (block)
		text_block(stdout, b.p, b.n);
	else
		text_word(stdout, b.p, b.n);
}

/* Below the table: why a template failed, and when it is tried again. */
static void
tell_failure(const msgpack_object *o)
{
	const msgpack_object *error;
	struct map m, em;
	struct err e;
	uint64_t retry;
	char buf[32];

	if (map_init(&m, o, "", &e) == -1 ||
	    map_obj(&m, "error", MAP_OPTIONAL, &error) != 1 ||
	    map_init(&em, error, "error.", &e) == -1)
		return;
	tell_text(&m, "name", "\n", false);
	tell_text(&em, "message", ": ", false);
	if (map_uint(&m, "retry_ns", MAP_OPTIONAL, UINT64_MAX, &retry) == 1) {
		text_duration(buf, sizeof(buf), retry);
		printf(" (next try in %s)", buf);
	}
	fputc('\n', stdout);
	tell_text(&em, "traceback", "", true);
}

static void
print(const msgpack_object *o)
{
	static const char *const heads[] = { "NAME", "MODE", "STATE",
		"GENERATION", "PID", "CHILDREN", "FAILURES", "WAY", "REASON" };
	const msgpack_object_array *all;
	struct table t;
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == -1 ||
	    map_array(&m, "templates", MAP_REQUIRED, SIZE_MAX, &all) != 1) {
		fprintf(stderr, "forkctl: the reply has no templates\n");
		return;
	}
	table_init(&t, 9, 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6);
	for (size_t i = 0; i < 9; i++)
		table_str(&t, heads[i]);
	for (uint32_t i = 0; i < all->size; i++)
		row(&t, &all->ptr[i]);
	table_print(&t, stdout, 0);
	table_fini(&t);
	for (uint32_t i = 0; i < all->size; i++)
		tell_failure(&all->ptr[i]);
}

static int
exec_templates(struct context *ctx, int argc, char **argv)
{
	struct answer a;
	int status;

	if (verb_plain(&verb_templates, ctx, argc, argv, 0, &status))
		return status;
	status = rpc_once(ctx, "templates", NULL, RPC_TIMEOUT_MS, &a);
	if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (status == 0)
		print(&a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_templates = {
	.name = "templates",
	.args = "",
	.line = "list the templates and how their children start",
	.help =
	    "WAY is how children start by default: promoted (a warmed "
	    "subinterpreter made\nmain, all of Python works), unpromoted or "
	    "cold, with the REASON for these.\nBelow the table: of each "
	    "template that failed the error and its traceback.\n",
	.exec = exec_templates,
};
