#include <stdio.h>

#include "client/forkctl/session.h"
#include "client/forkctl/spawn.h"

static int
exec_run(struct context *ctx, int argc, char **argv)
{
	struct program prog;
	struct forkserver *fs = NULL;
	int status = EXIT_OURS;

	if (program_parse(&prog, &verb_run, ctx, argc, argv, &status))
		goto out;
	if (prog.token != NULL && !prog.detach) {
		status = verb_usage(&verb_run, "--token goes with --detach");
		goto out;
	}
	if (!prog.detach)
		ctx->out = stderr; /* standard output is the program's */
	fs = rpc_connect(ctx);
	if (fs != NULL && prog.detach)
		status = spawn_detached(ctx, fs, &prog);
	else if (fs != NULL)
		status = session_run(ctx, fs, &prog);
	forkserver_close(fs);
out:
	program_fini(&prog);
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.args = program_args,
	.line = "run a program in a child as if it were python here",
	.help = program_help,
	.more =
	    "      --no-tty         pass terminals as they are\n"
	    "      --detach         as spawn does: print its id and leave it to "
	    "itself; --token\n                       goes with that only\n"
	    "      --token TEXT     see spawn\n\n"
	    "The child has forkctl's standard input, output and error, working "
	    "directory,\nenvironment and umask. It ends when forkctl does. "
	    "Where one of the three is a\nterminal the child gets one of its "
	    "own in its place, which forkctl relays, with\nsize, Ctrl-C and "
	    "Ctrl-Z. A SIGINT, SIGTERM, SIGHUP or SIGQUIT that forkctl gets\n"
	    "goes to the child, the second one kills it.\n\n"
	    "Exits with the child's code, or 128+n where signal n ended it; "
	    "1 when the program\ncannot be imported, 124 when a time-out ended "
	    "it. --json prints the exit\nrecord to standard error.\n",
	.exec = exec_run,
};
