#include <stddef.h>

#include "client/forkctl/spawn.h"

static int
exec_spawn(struct context *ctx, int argc, char **argv)
{
	struct program prog;
	struct forkserver *fs = NULL;
	int status = EXIT_OURS;

	if (program_parse(&prog, &verb_spawn, ctx, argc, argv, &status))
		goto out;
	fs = rpc_connect(ctx);
	if (fs != NULL)
		status = spawn_detached(ctx, fs, &prog);
	forkserver_close(fs);
out:
	program_fini(&prog);
	return status;
}

const struct verb verb_spawn = {
	.name = "spawn",
	.args = program_args,
	.line = "start a child that goes on by itself, print its id",
	.help = program_help,
	.more =
	    "      --token TEXT     where the same (options, words, environment) "
	    "has been\n                       spawned with that token, print the "
	    "id of that child\n"
	    "      --fds            pass standard input, output and error; "
	    "without it input\n                       is /dev/null and the rest "
	    "is captured\n"
	    "      --capture BYTES  of stdout and of stderr, the newest, are "
	    "kept; default 65536\n"
	    "      --no-capture     stdout and stderr are /dev/null\n\n"
	    "Returns when the program's code is about to run, or with --ready "
	    "when it is ready.\nThe child has no lease: it does not end with "
	    "forkctl. See logs, wait, cancel, kill.\n",
	.exec = exec_spawn,
};
