#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/record.h"
#include "client/forkctl/rpc.h"

static int
exec_wait(struct context *ctx, int argc, char **argv)
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
		else if (verb_common(&verb_wait, ctx, c, optarg, &status))
			return status;
	}
	if (argc - optind != 1 || rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_wait, "one id of a child is wanted");
	if (timeout != NULL && rpc_seconds(timeout, &ns) == -1)
		return verb_usage(&verb_wait, "\"%s\" is no time in seconds",
		    timeout);
	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", id);
	if (timeout != NULL)
		pack_kv_uint(&p.pk, &p.map, "timeout_ns", ns);
	status = rpc_once(ctx, "wait", &p, -1, &a);
	if (status != 0 && strcmp(a.error.code, "timeout") == 0)
		status = EXIT_TIMEOUT;
	else if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	if (status == 0)
		status = record_status(&a.value.data, !ctx->json);
	answer_fini(&a);
	return status;
}

const struct verb verb_wait = {
	.name = "wait",
	.args = "[-t SEC] ID",
	.line = "wait for the end of a child, and exit as it did",
	.help =
	    "Exits with the child's code, or 128+n where signal n ended it. "
	    "What a function\nreturned counts as for a console script: None "
	    "is 0, an int is its low byte,\nanything else is printed to "
	    "standard error and is 1. A traceback is printed.\n\n"
	    "  -t, --timeout SEC  exit with 124 when it has not ended by then\n\n"
	    "The same status is that of a child which its own time-out has ended.\n",
	.exec = exec_wait,
};
