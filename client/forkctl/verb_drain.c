#include <getopt.h>

#include "client/forkctl/rpc.h"

/* Until the daemon has closed the connection, which is its end. */
static void
wait_for_end(struct forkserver *fs)
{
	struct forkserver_error over;
	struct forkserver_event ev;

	while (forkserver_next_event(fs, -1, &ev, &over) == 1)
		forkserver_event_free(&ev);
}

static int
drain(struct context *ctx, struct params *p, bool wait)
{
	struct forkserver *fs = rpc_connect(ctx);
	struct answer a;
	int status = 0;

	if (fs == NULL) {
		params_fini(p);
		return EXIT_OURS;
	}
	answer_init(&a);
	if (rpc_call(fs, "drain", p, RPC_TIMEOUT_MS, &a) == -1)
		status = rpc_failed(ctx, &a);
	if (status == 0 && wait)
		wait_for_end(fs);
	rpc_done(ctx, &a, status);
	forkserver_close(fs);
	return status;
}

static int
exec_drain(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "timeout", required_argument, NULL, 't' },
		{ "wait", no_argument, NULL, 'w' }, { NULL, 0, NULL, 0 } };
	const char *timeout = NULL;
	bool wait = false;
	uint64_t ns = 0;
	struct params p;
	int c, status;

	while ((c = getopt_long(argc, argv, "t:w", options, NULL)) != -1) {
		if (c == 't')
			timeout = optarg;
		else if (c == 'w')
			wait = true;
		else if (verb_common(&verb_drain, ctx, c, optarg, &status))
			return status;
	}
	if (optind != argc)
		return verb_usage(&verb_drain, "too many words");
	if (timeout != NULL && rpc_seconds(timeout, &ns) == -1)
		return verb_usage(&verb_drain, "\"%s\" is no time in seconds",
		    timeout);
	params_init(&p);
	if (timeout != NULL)
		pack_kv_uint(&p.pk, &p.map, "timeout_ns", ns);
	return drain(ctx, &p, wait);
}

const struct verb verb_drain = {
	.name = "drain",
	.args = "[-t SEC] [-w]",
	.line = "take no more spawns, end the daemon when the last child ends",
	.help =
	    "Children are waited for, detached ones too; until the last has "
	    "ended they can be\nlooked at and cancelled as ever. Does not "
	    "wait for the end.\n\n"
	    "  -t, --timeout SEC  after that the rest is ended as by "
	    "`forkctl shutdown`\n"
	    "  -w, --wait         wait until the daemon has ended\n",
	.exec = exec_drain,
};
