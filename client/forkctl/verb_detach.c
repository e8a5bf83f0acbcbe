#include "client/forkctl/rpc.h"

static int
exec_detach(struct context *ctx, int argc, char **argv)
{
	struct params p;
	struct answer a;
	uint64_t id;
	int status;

	if (verb_plain(&verb_detach, ctx, argc, argv, 1, &status))
		return status;
	if (rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_detach, "\"%s\" is no id of a child",
		    argv[optind]);
	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", id);
	status = rpc_once(ctx, "detach", &p, RPC_TIMEOUT_MS, &a);
	rpc_done(ctx, &a, status);
	return status;
}

const struct verb verb_detach = {
	.name = "detach",
	.args = "ID",
	.line = "let a child go on without who asked for it",
	.help = "It does not end any more with the connection that it was "
		"leased to. See attach.\n",
	.exec = exec_detach,
};
