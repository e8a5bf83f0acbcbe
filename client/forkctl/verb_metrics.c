#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/metrics.h"
#include "client/forkctl/rpc.h"

static int
exec_metrics(struct context *ctx, int argc, char **argv)
{
	struct answer a;
	int status;

	if (verb_plain(&verb_metrics, ctx, argc, argv, 0, &status))
		return status;
	status = rpc_once(ctx, "status", NULL, RPC_TIMEOUT_MS, &a);
	if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (status == 0)
		metrics_print(stdout, &a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_metrics = {
	.name = "metrics",
	.args = "",
	.line = "print the daemon's figures as OpenMetrics text",
	.help =
	    "For Prometheus and its like: by a textfile collector, or behind "
	    "a socket unit that\nruns it for each scrape. Names begin with "
	    "forkserverd_, units are in the names.\n",
	.exec = exec_metrics,
};
