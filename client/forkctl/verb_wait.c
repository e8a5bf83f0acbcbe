#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/record.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/text.h"

struct wait {
	const char *mode; /* "any", "all", NULL: of one child */
	const char *timeout;
	uint64_t ns;
};

/* The words are ids.  False: one is not, and *STATUS is set. */
static bool
pack(const struct wait *w, struct params *p, int n, char **words, int *status)
{
	uint64_t id;

	if (w->mode == NULL) {
		pack_key(&p->pk, &p->map, "id");
	} else if (n > 0) {
		pack_kv_str(&p->pk, &p->map, "mode", w->mode);
		pack_key(&p->pk, &p->map, "ids");
		msgpack_pack_array(&p->pk, n);
	} else {
		pack_kv_str(&p->pk, &p->map, "mode", w->mode);
		pack_kv_str(&p->pk, &p->map, "of", "user");
	}
	for (int i = 0; i < n; i++) {
		if (rpc_id(words[i], &id) == -1) {
			*status = verb_usage(&verb_wait,
			    "\"%s\" is no id of a child", words[i]);
			return false;
		}
		msgpack_pack_uint64(&p->pk, id);
	}
	if (w->timeout != NULL)
		pack_kv_uint(&p->pk, &p->map, "timeout_ns", w->ns);
	return true;
}

/* A line for each child that has ended.  The status of the first that was not
 * 0; of any: of the first. */
static int
print_all(const struct context *ctx, const msgpack_object *o, bool any)
{
	const msgpack_object_array *records = NULL;
	int status = 0, one;
	struct err ignored;
	struct map m;

	if (map_init(&m, o, "", &ignored) == -1 ||
	    map_array(&m, "records", MAP_REQUIRED, SIZE_MAX, &records) == -1) {
		fprintf(stderr, "forkctl: the reply has no records\n");
		return EXIT_OURS;
	}
	for (uint32_t i = 0; i < records->size; i++) {
		const msgpack_object *r = &records->ptr[i], *error;

		if (map_init(&m, r, "", &ignored) == 0 &&
		    map_obj(&m, "error", MAP_OPTIONAL, &error) == 1) {
			struct bytes why = rpc_text(error, "message");

			fputs("forkctl: ", stderr);
			text_block(stderr, why.p, why.n);
			one = EXIT_OURS;
		} else {
			one = record_status(r, !ctx->json);
		}
		if (!ctx->json)
			printf("%" PRIu64 " %d\n", rpc_uint(r, "id"), one);
		if (status == 0 && (i == 0 || !any))
			status = one;
	}
	return status;
}

static int
wait_for(struct context *ctx, const struct wait *w, struct params *p)
{
	struct answer a;
	int status = rpc_once(ctx, "wait", p, -1, &a);

	if (status != 0 && strcmp(a.error.code, "timeout") == 0)
		status = EXIT_TIMEOUT;
	else if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	if (status == 0)
		status = w->mode == NULL ?
		    record_status(&a.value.data, !ctx->json) :
		    print_all(ctx, &a.value.data, strcmp(w->mode, "any") == 0);
	answer_fini(&a);
	return status;
}

static int
exec_wait(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "timeout", required_argument, NULL, 't' },
		{ "any", no_argument, NULL, 'n' },
		{ "all", no_argument, NULL, 'a' }, { NULL, 0, NULL, 0 } };
	struct wait w = { 0 };
	struct params p;
	int c, status;

	while ((c = getopt_long(argc, argv, "t:na", options, NULL)) != -1) {
		if (c == 't')
			w.timeout = optarg;
		else if (c == 'n' || c == 'a')
			w.mode = c == 'n' ? "any" : "all";
		else if (verb_common(&verb_wait, ctx, c, optarg, &status))
			return status;
	}
	if (w.mode == NULL && optind == argc)
		return verb_usage(&verb_wait, "no id of a child");
	if (w.mode == NULL && argc - optind > 1)
		w.mode = "all";
	if (w.timeout != NULL && rpc_seconds(w.timeout, &w.ns) == -1)
		return verb_usage(&verb_wait, "\"%s\" is no time in seconds",
		    w.timeout);
	params_init(&p);
	if (!pack(&w, &p, argc - optind, argv + optind, &status)) {
		params_fini(&p);
		return status;
	}
	return wait_for(ctx, &w, &p);
}

const struct verb verb_wait = {
	.name = "wait",
	.args = "[-t SEC] ID | [-t SEC] (-a | -n) [ID...]",
	.line = "wait for the end of children, and exit as they did",
	.help =
	    "Exits with the child's code, or 128+n where signal n ended it. "
	    "What a function\nreturned counts as for a console script: None "
	    "is 0, an int is its low byte,\nanything else is printed to "
	    "standard error and is 1. A traceback is printed.\n\n"
	    "  -a, --all          until all of the children have ended; the "
	    "default for several\n"
	    "  -n, --any          until one has\n"
	    "  -t, --timeout SEC  exit with 124 when that has not happened by "
	    "then\n\n"
	    "With --all and --any, and for several, each that has ended is "
	    "printed on a line of\nits own, its id and its status. Without "
	    "an id all of one's own that live now are\nmeant. The exit status "
	    "is that of the first that is not 0, with --any that of the\n"
	    "first that has ended.\n\n"
	    "124 is also that of a child which its own time-out has ended.\n",
	.exec = exec_wait,
};
