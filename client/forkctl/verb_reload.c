#include <inttypes.h>
#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/renewal.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/text.h"

#define EXIT_FAILED 1 /* of a template; all else was done */

static bool
has_failed(const msgpack_object *o)
{
	const msgpack_object *error;
	struct map m;
	struct err e;

	return map_init(&m, o, "", &e) == 0 &&
	    map_obj(&m, "error", MAP_OPTIONAL, &error) == 1;
}

/* Whether it has failed. */
static bool
tell_step(const msgpack_object *o)
{
	struct bytes change = rpc_text(o, "change");
	uint64_t generation = rpc_uint(o, "generation");
	const msgpack_object *error;
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == 0 &&
	    map_obj(&m, "error", MAP_OPTIONAL, &error) == 1) {
		renewal_tell_failed(stderr, o, generation, error,
		    rpc_uint(o, "serves"));
		fputc('\n', stderr);
		return true;
	}
	renewal_tell_whose(stdout, o);
	if (generation != 0)
		printf(" gen=%" PRIu64, generation);
	fputc(' ', stdout);
	text_word(stdout, change.p, change.n);
	fputc('\n', stdout);
	return false;
}

/* Returns the exit status. */
static int
tell(struct context *ctx, const msgpack_object *reply)
{
	const msgpack_object_array *steps, *keys;
	struct bytes key;
	struct map m;
	struct err e;
	int status = 0;

	if (map_init(&m, reply, "", &e) == -1 ||
	    map_array(&m, "templates", MAP_REQUIRED, SIZE_MAX, &steps) == -1 ||
	    map_array(&m, "restart", MAP_REQUIRED, SIZE_MAX, &keys) == -1) {
		fprintf(stderr, "forkctl: %s\n", e.msg);
		return EXIT_OURS;
	}
	if (ctx->json)
		json_line(ctx->out, reply);
	for (uint32_t i = 0; i < steps->size; i++) {
		if (ctx->json ? has_failed(&steps->ptr[i]) :
				tell_step(&steps->ptr[i]))
			status = EXIT_FAILED;
	}
	if (ctx->json)
		return status;
	if (steps->size == 0)
		puts("no template has changed");
	for (uint32_t i = 0; i < keys->size; i++)
		if (map_text_at(&m, "restart", keys, i, SIZE_MAX, &key) != -1) {
			fputs("needs a restart: ", stdout);
			text_word(stdout, key.p, key.n);
			fputc('\n', stdout);
		}
	return status;
}

static int
exec_reload(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 } };
	struct params p;
	struct answer a;
	int c, status;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (verb_common(&verb_reload, ctx, c, optarg, &status))
			return status;
	if (argc - optind > 1)
		return verb_usage(&verb_reload, "too many words");
	params_init(&p);
	if (argv[optind] != NULL)
		pack_kv_str(&p.pk, &p.map, "template", argv[optind]);
	status = rpc_once(ctx, "reload", &p, -1, &a);
	if (status == 0)
		status = tell(ctx, &a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_reload = {
	.name = "reload",
	.args = "[TEMPLATE]",
	.line = "read the configuration again and make anew what has changed",
	.help =
	    "Each template that has changed gets a new zygote, a generation, "
	    "while the old one\nserves; with TEMPLATE that one alone, changed "
	    "or not. New spawns go to it when it\nis ready; children of the "
	    "old one live on. Waits until all is made, and tells what\nhas "
	    "become of each template (uid=: another user's own) and which "
	    "changes need a\nrestart.\n\n"
	    "Exit status: 0; 1 when a template failed, which serves on as it "
	    "was; 125 when the\nconfiguration is wrong: then nothing has "
	    "changed.\n",
	.exec = exec_reload,
};
