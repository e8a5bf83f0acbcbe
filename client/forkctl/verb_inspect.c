#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/tree.h"

static int
exec_inspect(struct context *ctx, int argc, char **argv)
{
	struct params p;
	struct answer a;
	uint64_t id;
	int status;

	if (verb_plain(&verb_inspect, ctx, argc, argv, 1, &status))
		return status;
	if (rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_inspect, "\"%s\" is no id of a child",
		    argv[optind]);
	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", id);
	status = rpc_once(ctx, "inspect", &p, RPC_TIMEOUT_MS, &a);
	if (status == 0 && ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (status == 0)
		tree_print(stdout, &a.value.data);
	answer_fini(&a);
	return status;
}

const struct verb verb_inspect = {
	.name = "inspect",
	.args = "ID",
	.line = "show all that is known of a child",
	.help = "",
	.exec = exec_inspect,
};
