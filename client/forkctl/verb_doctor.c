#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/forkctl/verb.h"

#ifndef FORKSERVERD_LIBEXECDIR
#define FORKSERVERD_LIBEXECDIR "/usr/libexec"
#endif
#define ZYGOTE "forkserver-zygote"

enum {
	OPT_AUDIT = OPT_FIRST,
	OPT_CONFIG,
	OPT_LIMIT,
	OPT_LIST,
	OPT_PATH,
	OPT_SCENARIO,
	OPT_ZYGOTE,
};

/* What the zygote calls them. */
static const char *const passed_on[] = {
	[OPT_AUDIT] = "--audit",
	[OPT_CONFIG] = "--config",
	[OPT_LIMIT] = "--limit",
	[OPT_LIST] = "--list",
	[OPT_PATH] = "--path",
	[OPT_SCENARIO] = "--scenario",
};

/* Beside us, as in a build tree, else where it is installed. */
static const char *
default_zygote(void)
{
	static char path[PATH_MAX + sizeof(ZYGOTE)];
	const char *env = getenv("FORKSERVER_ZYGOTE");
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (env != NULL && env[0] != '\0')
		return env;
	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL) {
		strcpy(slash + 1, ZYGOTE);
		if (access(path, X_OK) == 0)
			return path;
	}
	return FORKSERVERD_LIBEXECDIR "/" ZYGOTE;
}

/* The words of the zygote's own command line. */
struct words {
	char **v;
	int n;
};

static void
add(struct words *w, const char *word)
{
	if (word != NULL)
		w->v[w->n++] = (char *)word;
}

static int
exec_doctor(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "audit", no_argument, NULL, OPT_AUDIT },
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "limit", required_argument, NULL, OPT_LIMIT },
		{ "list", no_argument, NULL, OPT_LIST },
		{ "path", required_argument, NULL, OPT_PATH },
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		{ "zygote", required_argument, NULL, OPT_ZYGOTE },
		{ NULL, 0, NULL, 0 } };
	const char *zygote = NULL;
	struct words w = { .v = calloc(2 * argc + 8, sizeof(char *)) };
	int c, status;

	if (w.v == NULL)
		return EXIT_OURS;
	add(&w, ZYGOTE);
	add(&w, "--doctor");
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (verb_common(&verb_doctor, ctx, c, optarg, &status)) {
			free(w.v);
			return status;
		}
		if (c == OPT_ZYGOTE) {
			zygote = optarg;
		} else if (c >= OPT_FIRST) {
			add(&w, passed_on[c]);
			add(&w, optarg);
		}
	}
	if (ctx->json)
		add(&w, "--json");
	add(&w, "--");
	for (int i = optind; i < argc; i++)
		add(&w, argv[i]);
	if (zygote == NULL)
		zygote = default_zygote();
	execv(zygote, w.v);
	fprintf(stderr, "forkctl: exec \"%s\": %s\n", zygote, strerror(errno));
	free(w.v);
	return EXIT_OURS;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.args = "[--scenario NAME] [--audit [--config FILE] [MODULE...]]\n"
		"                      [--list] [--limit SECONDS] [--path DIR] "
		"[--zygote FILE]",
	.line = "prove on this machine that children work, without a daemon",
	.help =
	    "      --scenario NAME  this one only\n"
	    "      --audit          not the scenarios: which of CPython's known\n"
	    "                       constraints hold here, and which MODULEs\n"
	    "                       load in an interpreter with its own GIL\n"
	    "                       (default: those often used)\n"
	    "      --config FILE    of the audit: the preloads of FILE's "
	    "templates\n"
	    "      --list           the names of scenarios and constraints\n"
	    "      --limit SECONDS  for each, before it is killed (default 60)\n"
	    "      --path DIR       in front of sys.path\n"
	    "      --zygote FILE    default: $FORKSERVER_ZYGOTE, else\n"
	    "                       forkserver-zygote beside forkctl, else\n"
	    "                       where it is installed\n",
	.more = "\nEach scenario is run in a process of its own: what was "
		"expected, what happened,\nthe verdict.  Exit status: 0 when "
		"all came out as expected, or all that --audit\nasks was found "
		"out; 1 when not; 125 for a wrong command line.\n",
	.exec = exec_doctor,
};
