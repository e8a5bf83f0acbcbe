#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/tree.h"

static int
exec_status(struct context *ctx, int argc, char **argv)
{
	struct answer a;
	int status;

	if (verb_plain(&verb_status, ctx, argc, argv, 0, &status))
		return status;
	status = rpc_once(ctx, "status", NULL, RPC_TIMEOUT_MS, &a);
	if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (status == 0)
		tree_print(stdout, &a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_status = {
	.name = "status",
	.args = "",
	.line = "show the daemon, its counts and its templates",
	.help = "",
	.exec = exec_status,
};
