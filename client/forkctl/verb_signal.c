#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/forkctl/rpc.h"

/* A number, "INT", "SIGINT" or "RTMIN+3".  -1: none of these. */
static int
parse_signal(const char *word)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (end != word)
		return *end == '\0' && n >= 1 && n <= 64 ? (int)n : -1;
	if (strncasecmp(word, "SIG", 3) == 0)
		word += 3;
	if (strncasecmp(word, "RTMIN", 5) == 0) {
		n = strtol(word + 5, &end, 10);
		return *end == '\0' && n >= 0 && SIGRTMIN + n <= SIGRTMAX ?
		    (int)(SIGRTMIN + n) :
		    -1;
	}
	for (int sig = 1; sig < 32; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name != NULL && strcasecmp(name, word) == 0)
			return sig;
	}
	return -1;
}

static int
exec_signal(struct context *ctx, int argc, char **argv)
{
	struct params p;
	struct answer a;
	uint64_t id;
	int status, sig;

	if (verb_plain(&verb_signal, ctx, argc, argv, 2, &status))
		return status;
	if (rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_signal, "\"%s\" is no id of a child",
		    argv[optind]);
	sig = parse_signal(argv[optind + 1]);
	if (sig == -1)
		return verb_usage(&verb_signal, "\"%s\" is no signal",
		    argv[optind + 1]);
	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", id);
	pack_kv_uint(&p.pk, &p.map, "signal", sig);
	status = rpc_once(ctx, "signal", &p, RPC_TIMEOUT_MS, &a);
	rpc_done(ctx, &a, status);
	return status;
}

const struct verb verb_signal = {
	.name = "signal",
	.args = "ID SIGNAL",
	.line = "send a child a signal",
	.help = "SIGNAL is a name, as INT or SIGINT or RTMIN+3, or a number.\n",
	.exec = exec_signal,
};
