#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/renewal.h"
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
	table_map_duration(t, &m, "age_ns");
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

/* Below the table: why another generation did not come. */
static void
tell_renewal(const msgpack_object *o)
{
	const msgpack_object *failed, *error;
	struct map m, fm;
	struct err e;

	if (map_init(&m, o, "", &e) == -1 ||
	    map_obj(&m, "failed", MAP_OPTIONAL, &failed) != 1 ||
	    map_init(&fm, failed, "failed.", &e) == -1 ||
	    map_obj(&fm, "error", MAP_REQUIRED, &error) != 1)
		return;
	fputc('\n', stdout);
	renewal_tell_failed(stdout, o, rpc_uint(failed, "generation"), error,
	    rpc_uint(o, "generation"));
	fputc('\n', stdout);
	if (map_init(&fm, error, "error.", &e) == 0)
		tell_text(&fm, "traceback", "", true);
}

/* Below the table: what the preloads have left behind. */
static void
tell_warnings(const msgpack_object *o)
{
	const msgpack_object_array *all;
	struct map m;
	struct bytes b;
	struct err e;

	if (map_init(&m, o, "", &e) == -1 ||
	    map_array(&m, "warnings", MAP_OPTIONAL, SIZE_MAX, &all) != 1)
		return;
	for (uint32_t i = 0; i < all->size; i++) {
		if (map_text_at(&m, "warnings", all, i, SIZE_MAX, &b) == -1)
			return;
		tell_text(&m, "name", "\n", false);
		fputs(": warning: ", stdout);
		text_word(stdout, b.p, b.n);
		fputc('\n', stdout);
	}
}

/* What each preload took. */
static void
tell_preloads(const msgpack_object *o)
{
	const msgpack_object_array *all;
	struct table t;
	struct map m, pm;
	struct err e;

	if (map_init(&m, o, "", &e) == -1 ||
	    map_array(&m, "preload", MAP_OPTIONAL, SIZE_MAX, &all) != 1)
		return;
	fputc('\n', stdout);
	table_init(&t, 3, 1 << 1 | 1 << 2);
	table_str(&t, "PRELOAD");
	table_str(&t, "IMPORT");
	table_str(&t, "KB");
	for (uint32_t i = 0; i < all->size; i++) {
		if (map_init(&pm, &all->ptr[i], "preload.", &e) == -1)
			break;
		table_map_text(&t, &pm, "module");
		table_map_duration(&t, &pm, "import_ns");
		table_map_uint(&t, &pm, "private_kb");
	}
	table_print(&t, stdout, 0);
	table_fini(&t);
}

static void
print(const msgpack_object_array *all)
{
	static const char *const heads[] = { "NAME", "MODE", "STATE",
		"GENERATION", "AGE", "PID", "CHILDREN", "FAILURES", "WAY",
		"REASON" };
	struct table t;

	table_init(&t, 10, 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7);
	for (size_t i = 0; i < 10; i++)
		table_str(&t, heads[i]);
	for (uint32_t i = 0; i < all->size; i++)
		row(&t, &all->ptr[i]);
	table_print(&t, stdout, 0);
	table_fini(&t);
	for (uint32_t i = 0; i < all->size; i++) {
		tell_failure(&all->ptr[i]);
		tell_renewal(&all->ptr[i]);
		tell_warnings(&all->ptr[i]);
	}
}

/* The template of that name, or NULL. */
static msgpack_object *
find(const msgpack_object_array *all, const char *name)
{
	struct map m;
	struct bytes b;
	struct err e;

	for (uint32_t i = 0; i < all->size; i++)
		if (map_init(&m, &all->ptr[i], "", &e) == 0 &&
		    map_text(&m, "name", MAP_REQUIRED, SIZE_MAX, &b) == 1 &&
		    bytes_eq(b, name))
			return &all->ptr[i];
	return NULL;
}

/* NAME: the one to show, or NULL.  Returns the exit status. */
static int
show(struct context *ctx, const msgpack_object *reply, const char *name)
{
	const msgpack_object_array *all;
	msgpack_object *one = NULL;
	struct map m;
	struct err e;

	if (map_init(&m, reply, "", &e) == -1 ||
	    map_array(&m, "templates", MAP_REQUIRED, SIZE_MAX, &all) != 1) {
		fprintf(stderr, "forkctl: the reply has no templates\n");
		return EXIT_OURS;
	}
	if (name != NULL && (one = find(all, name)) == NULL) {
		fprintf(stderr, "forkctl: no template \"%s\"\n", name);
		return EXIT_OURS;
	}
	if (ctx->json) {
		json_line(ctx->out, one != NULL ? one : reply);
	} else if (one != NULL) {
		print(&(const msgpack_object_array){ 1, one });
		tell_preloads(one);
	} else {
		print(all);
	}
	return 0;
}

static int
exec_templates(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 } };
	struct answer a;
	int c, status;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (verb_common(&verb_templates, ctx, c, optarg, &status))
			return status;
	if (argc - optind > 1)
		return verb_usage(&verb_templates, "too many words");
	status = rpc_once(ctx, "templates", NULL, RPC_TIMEOUT_MS, &a);
	if (status == 0)
		status = show(ctx, &a.value.data, argv[optind]);
	answer_fini(&a);
	return status;
}

const struct verb verb_templates = {
	.name = "templates",
	.args = "[NAME]",
	.line = "list the templates and how their children start",
	.help =
	    "WAY is how children start by default, once that is known: "
	    "promoted (a warmed\nsubinterpreter made main, all of Python "
	    "works), unpromoted or cold, with the REASON\nfor these. Below the "
	    "table: of each template that failed the error and its "
	    "traceback,\nand the warnings: what preloads left behind, what is "
	    "not watched. With NAME only\nthat template, and for each of its "
	    "preloads how long its import took, its own\nimports included, and "
	    "by how much the zygote grew meanwhile.\n",
	.exec = exec_templates,
};
