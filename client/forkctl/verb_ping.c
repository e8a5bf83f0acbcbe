#include <inttypes.h>
#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "proto/clock.h"

static int
exec_ping(struct context *ctx, int argc, char **argv)
{
	struct forkserver *fs;
	struct answer a;
	uint64_t began;
	int status;

	if (verb_plain(&verb_ping, ctx, argc, argv, 0, &status))
		return status;
	fs = rpc_connect(ctx);
	if (fs == NULL)
		return EXIT_OURS;
	answer_init(&a);
	began = clock_ns();
	status = 0;
	if (rpc_call(fs, "ping", NULL, RPC_TIMEOUT_MS, &a) == -1)
		status = rpc_failed(ctx, &a);
	else if (ctx->json)
		json_line(ctx->out, &a.value.data);
	else
		printf("%.0f us\n", (clock_ns() - began) / 1e3);
	answer_fini(&a);
	forkserver_close(fs);
	return status;
}

const struct verb verb_ping = {
	.name = "ping",
	.args = "",
	.line = "ask for a sign of life, print the time there and back",
	.help = "",
	.exec = exec_ping,
};
