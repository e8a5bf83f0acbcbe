/*
 * forkctl: forkserverd's command line.  Owns the table of verbs, the global
 * options and help; each verb is a file of its own.
 */
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/forkctl/verb.h"
#include "proto/version.h"

#ifndef FORKSERVERD_VERSION
#define FORKSERVERD_VERSION "0.1"
#endif

static const struct verb *const verbs[] = {
	&verb_run,
	&verb_spawn,
	&verb_ps,
	&verb_logs,
	&verb_wait,
	&verb_attach,
	&verb_detach,
	&verb_cancel,
	&verb_kill,
	&verb_signal,
	&verb_inspect,
	&verb_dump,
	&verb_events,
	&verb_templates,
	&verb_status,
	&verb_metrics,
	&verb_top,
	&verb_ping,
	&verb_bench,
	&verb_doctor,
	&verb_reload,
	&verb_drain,
	&verb_shutdown,
};

#define NVERBS (sizeof(verbs) / sizeof(*verbs))

static const char common_help[] =
    "Options of every verb:\n"
    "      --socket PATH  the daemon's socket; default: $FORKSERVER_SOCKET,\n"
    "                     else $XDG_RUNTIME_DIR/forkserverd.sock, else\n"
    "                     /run/forkserverd.sock\n"
    "      --json         the reply as one line of JSON (bytes that are not\n"
    "                     UTF-8 as {\"$bin\": \"hex\"}); errors, too\n"
    "      --help         this text\n";

static const char version_help[] =
    "Without a verb:\n"
    "      --version      the versions of forkctl and of the protocol\n";

static void
print_help(FILE *f)
{
	fputs("usage: forkctl [--socket PATH] [--json] VERB [ARGS]\n"
	      "       forkctl help VERB\n"
	      "       forkctl --version\n\n"
	      "Asks forkserverd for Python children that start in about the "
	      "time of a fork.\n\n",
	    f);
	for (size_t i = 0; i < NVERBS; i++)
		fprintf(f, "  %-10s %s\n", verbs[i]->name, verbs[i]->line);
	fprintf(f,
	    "\n%s\n%s\n"
	    "Exit status: 0, or the child's (128+n for signal n); 124 when\n"
	    "wait --timeout is over; 126 when a child cannot be set up; 125\n"
	    "for every other failure of forkctl's or the daemon's own.\n",
	    common_help, version_help);
}

void
verb_help(const struct verb *v)
{
	printf("usage: forkctl %s%s%s\n\n%s.\n\n%s%s%s%s", v->name,
	    v->args[0] != '\0' ? " " : "", v->args, v->line, v->help,
	    v->more != NULL ? v->more : "", v->help[0] != '\0' ? "\n" : "",
	    common_help);
}

int
verb_usage(const struct verb *v, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "forkctl %s: ", v->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: forkctl %s%s%s\n", v->name,
	    v->args[0] != '\0' ? " " : "", v->args);
	return EXIT_OURS;
}

bool
verb_common(const struct verb *v, struct context *ctx, int opt, const char *arg,
    int *status)
{
	switch (opt) {
	case OPT_HELP:
		verb_help(v);
		*status = 0;
		return true;
	case OPT_JSON:
		ctx->json = true;
		return false;
	case OPT_SOCKET:
		ctx->socket = arg;
		return false;
	case '?': /* getopt_long has said what */
		fprintf(stderr, "usage: forkctl %s%s%s\n", v->name,
		    v->args[0] != '\0' ? " " : "", v->args);
		*status = EXIT_OURS;
		return true;
	}
	return false;
}

bool
verb_plain(const struct verb *v, struct context *ctx, int argc, char **argv,
    int nargs, int *status)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (verb_common(v, ctx, c, optarg, status))
			return true;
	if (argc - optind == nargs)
		return false;
	*status = verb_usage(v,
	    argc - optind < nargs ? "a word is missing" : "too many words");
	return true;
}

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < NVERBS; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	fprintf(stderr, "forkctl: no verb \"%s\"; see forkctl --help\n", name);
	return NULL;
}

static int
help(int argc, char **argv)
{
	const struct verb *v;

	if (argc < 2) {
		print_help(stdout);
		return 0;
	}
	v = find_verb(argv[1]);
	if (v == NULL)
		return EXIT_OURS;
	verb_help(v);
	return 0;
}

/* A socket of ours at number 0 to 2 would be taken for standard input. */
static void
fill_closed(struct context *ctx)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		ctx->was_closed[fd] = true;
		if (open("/dev/null", O_RDWR) == -1)
			exit(EXIT_OURS);
	}
}

/* --json and errors of output: a reply that was not written is a failure. */
static int
finish(int status)
{
	if (fflush(stdout) == EOF || ferror(stdout)) {
		if (status == 0) {
			fprintf(stderr,
			    "forkctl: write to standard output "
			    "failed\n");
			status = EXIT_OURS;
		}
	}
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 } };
	struct context ctx = { .out = stdout };
	const struct verb *v;
	int c, at;

	fill_closed(&ctx);
	setlocale(LC_ALL, "");
	while ((c = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		switch (c) {
		case 'h':
		case OPT_HELP:
			print_help(stdout);
			return finish(0);
		case 'V':
			printf("forkctl %s (protocol %d)\n",
			    FORKSERVERD_VERSION, PROTO_CLIENT_VERSION);
			return finish(0);
		case OPT_JSON:
			ctx.json = true;
			break;
		case OPT_SOCKET:
			ctx.socket = optarg;
			break;
		default:
			return EXIT_OURS;
		}
	}
	if (optind == argc) {
		print_help(stderr);
		return EXIT_OURS;
	}
	if (strcmp(argv[optind], "help") == 0)
		return finish(help(argc - optind, argv + optind));
	v = find_verb(argv[optind]);
	if (v == NULL)
		return EXIT_OURS;
	at = optind;
	optind = 0; /* glibc: begin anew, with another option string */
	return finish(v->exec(&ctx, argc - at, argv + at));
}
