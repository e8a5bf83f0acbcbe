#include "client/forkctl/rpc.h"

static int
exec_kill(struct context *ctx, int argc, char **argv)
{
	struct params p;
	struct answer a;
	uint64_t id;
	int status;

	if (verb_plain(&verb_kill, ctx, argc, argv, 1, &status))
		return status;
	if (rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_kill, "\"%s\" is no id of a child",
		    argv[optind]);
	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", id);
	status = rpc_once(ctx, "kill", &p, RPC_TIMEOUT_MS, &a);
	rpc_done(ctx, &a, status);
	return status;
}

const struct verb verb_kill = {
	.name = "kill",
	.args = "ID",
	.line = "end a child at once, by SIGKILL",
	.help = "",
	.exec = exec_kill,
};
