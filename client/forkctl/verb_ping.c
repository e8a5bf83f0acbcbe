#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "proto/clock.h"

#define AGAIN_MS 20

/* Until somebody listens, or it is UNTIL.  NULL: nobody did, as A tells. */
static struct forkserver *
connect_by(const struct context *ctx, uint64_t until, struct answer *a)
{
	struct forkserver *fs;
	uint64_t now;

	do {
		now = clock_ns();
		fs = forkserver_connect(ctx->socket,
		    now < until ? (int)((until - now) / 1000000) + 1 : 0,
		    &a->error);
	} while (fs == NULL && now < until && poll(NULL, 0, AGAIN_MS) == 0);
	return fs;
}

static int
ping(struct context *ctx, struct forkserver *fs)
{
	struct answer a;
	uint64_t began = clock_ns();
	int status = 0;

	answer_init(&a);
	if (rpc_call(fs, "ping", NULL, RPC_TIMEOUT_MS, &a) == -1)
		status = rpc_failed(ctx, &a);
	else if (ctx->json)
		json_line(ctx->out, &a.value.data);
	else
		printf("%.0f us\n", (clock_ns() - began) / 1e3);
	answer_fini(&a);
	return status;
}

static int
wait_and_ping(struct context *ctx, uint64_t patience_ns)
{
	struct forkserver *fs;
	struct answer a;
	int status;

	answer_init(&a);
	fs = connect_by(ctx, clock_ns() + patience_ns, &a);
	status = fs != NULL ? ping(ctx, fs) : rpc_failed(ctx, &a);
	answer_fini(&a);
	forkserver_close(fs);
	return status;
}

static int
exec_ping(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "wait", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 } };
	struct forkserver *fs;
	uint64_t patience_ns = 0;
	bool wait = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "w:", options, NULL)) != -1) {
		if (c != 'w') {
			if (verb_common(&verb_ping, ctx, c, optarg, &status))
				return status;
			continue;
		}
		wait = true;
		if (rpc_seconds(optarg, &patience_ns) == -1)
			return verb_usage(&verb_ping,
			    "\"%s\" is no time in seconds", optarg);
	}
	if (optind != argc)
		return verb_usage(&verb_ping, "too many words");
	if (wait)
		return wait_and_ping(ctx, patience_ns);
	fs = rpc_connect(ctx);
	if (fs == NULL)
		return EXIT_OURS;
	status = ping(ctx, fs);
	forkserver_close(fs);
	return status;
}

const struct verb verb_ping = {
	.name = "ping",
	.args = "[-w SEC]",
	.line = "ask for a sign of life, print the time there and back",
	.help =
	    "  -w, --wait SEC  a daemon that does not listen yet is waited for so "
	    "long\n",
	.exec = exec_ping,
};
