#include <getopt.h>

#include "client/forkctl/rpc.h"

static int
exec_shutdown(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "grace", required_argument, NULL, 'g' },
		{ NULL, 0, NULL, 0 } };
	const char *grace = NULL;
	uint64_t ns = 0;
	struct params p;
	struct answer a;
	int c, status;

	while ((c = getopt_long(argc, argv, "g:", options, NULL)) != -1) {
		if (c == 'g')
			grace = optarg;
		else if (verb_common(&verb_shutdown, ctx, c, optarg, &status))
			return status;
	}
	if (optind != argc)
		return verb_usage(&verb_shutdown, "too many words");
	if (grace != NULL && rpc_seconds(grace, &ns) == -1)
		return verb_usage(&verb_shutdown,
		    "\"%s\" is no time in seconds", grace);
	params_init(&p);
	if (grace != NULL)
		pack_kv_uint(&p.pk, &p.map, "grace_ns", ns);
	status = rpc_once(ctx, "shutdown", &p, RPC_TIMEOUT_MS, &a);
	rpc_done(ctx, &a, status);
	return status;
}

const struct verb verb_shutdown = {
	.name = "shutdown",
	.args = "[-g SEC]",
	.line = "end the daemon",
	.help =
	    "It takes no further spawns, cancels its leased children, kills "
	    "what outlives\nits grace, and exits. Detached children go on. "
	    "Does not wait for the end.\n\n"
	    "  -g, --grace SEC    for all children; default: each child's\n",
	.exec = exec_shutdown,
};
