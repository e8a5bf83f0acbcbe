#include <getopt.h>
#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/text.h"

/* The text of KEY, under TITLE. */
static bool
print_text(struct map *m, const char *key, const char *title)
{
	struct bytes s;

	if (map_text(m, key, MAP_OPTIONAL, SIZE_MAX, &s) != 1)
		return false;
	printf("%s", title);
	text_block(stdout, s.p, s.n);
	return true;
}

static void
print_runs(struct map *m)
{
	const msgpack_object_array *runs;
	bool turning = true;
	struct map run;
	struct err e;

	if (print_text(m, "trio_error", "no tasks: ") ||
	    map_array(m, "trio", MAP_REQUIRED, SIZE_MAX, &runs) != 1)
		return;
	if (runs->size == 0)
		printf("no trio.run\n");
	map_bool(m, "turning", MAP_OPTIONAL, &turning);
	if (!turning)
		printf("%s not turn\n",
		    runs->size == 1 ? "the loop does" : "a loop does");
	for (uint32_t i = 0; i < runs->size; i++)
		if (map_init(&run, &runs->ptr[i], "trio", &e) == 0)
			print_text(&run, "tree", i > 0 ? "\n" : "");
}

static void
print_dump(const msgpack_object *o)
{
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == -1)
		return;
	print_runs(&m);
	printf("\n");
	if (!print_text(&m, "stacks", ""))
		print_text(&m, "stacks_error", "no stacks: ");
}

static int
exec_dump(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "timeout", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 } };
	const char *timeout = NULL;
	uint64_t id, ns = 0;
	struct params p;
	struct answer a;
	int c, status;

	while ((c = getopt_long(argc, argv, "t:", options, NULL)) != -1) {
		if (c == 't')
			timeout = optarg;
		else if (verb_common(&verb_dump, ctx, c, optarg, &status))
			return status;
	}
	if (argc - optind != 1 || rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_dump, "one id of a child is wanted");
	if (timeout != NULL && (rpc_seconds(timeout, &ns) == -1 || ns == 0))
		return verb_usage(&verb_dump,
		    "\"%s\" is no time in seconds above 0", timeout);
	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", id);
	if (timeout != NULL)
		pack_kv_uint(&p.pk, &p.map, "timeout_ns", ns);
	status = rpc_once(ctx, "dump", &p, -1, &a);
	if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (status == 0)
		print_dump(&a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_dump = {
	.name = "dump",
	.args = "[-t SEC] ID",
	.line = "look into a child: trio's tasks, the stacks of its threads",
	.help =
	    "The tasks of each trio.run, with their nurseries, cancel scopes "
	    "and stacks, then\nthe stack of each thread. What the child does is "
	    "not changed. Where its main\nthread is in C code and does not "
	    "come back, the stacks alone can be had.\n\n"
	    "  -t, --timeout SEC  time for the child's answer; default: 2\n",
	.exec = exec_dump,
};
