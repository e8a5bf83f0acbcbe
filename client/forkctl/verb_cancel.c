#include <getopt.h>

#include "client/forkctl/rpc.h"

static int
exec_cancel(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "grace", required_argument, NULL, 'g' },
		{ NULL, 0, NULL, 0 } };
	const char *grace = NULL;
	uint64_t id, ns = 0;
	struct params p;
	struct answer a;
	int c, status;

	while ((c = getopt_long(argc, argv, "g:", options, NULL)) != -1) {
		if (c == 'g')
			grace = optarg;
		else if (verb_common(&verb_cancel, ctx, c, optarg, &status))
			return status;
	}
	if (argc - optind != 1 || rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_cancel, "one id of a child is wanted");
	if (grace != NULL && rpc_seconds(grace, &ns) == -1)
		return verb_usage(&verb_cancel, "\"%s\" is no time in seconds",
		    grace);
	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", id);
	if (grace != NULL)
		pack_kv_uint(&p.pk, &p.map, "grace_ns", ns);
	status = rpc_once(ctx, "cancel", &p, RPC_TIMEOUT_MS, &a);
	rpc_done(ctx, &a, status);
	return status;
}

const struct verb verb_cancel = {
	.name = "cancel",
	.args = "[-g SEC] ID",
	.line = "cancel a child's trio, and kill it when its grace is over",
	.help =
	    "Ends the main task of every trio.run of the child; where none "
	    "runs it gets\nSIGTERM. Does not wait for the end: see wait.\n\n"
	    "  -g, --grace SEC    until SIGKILL; default: as it was spawned "
	    "with\n",
	.exec = exec_cancel,
};
