#include "client/forkctl/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_COLD = OPT_FIRST,
	OPT_WARM,
	OPT_NO_CONTAIN,
	OPT_NO_TTY,
	OPT_FDS,
	OPT_DETACH,
	OPT_TOKEN,
	OPT_TIMEOUT,
	OPT_START_TIMEOUT,
	OPT_ON_HANG,
	OPT_RLIMIT, /* and the rest in the order of enum limit */
	OPT_NICE,
	OPT_CPUS,
	OPT_OOM_SCORE_ADJ,
	OPT_MEMORY_MAX,
	OPT_CPU_WEIGHT,
	OPT_PIDS_MAX,
	OPT_READY,
	OPT_STDIN,
	OPT_STDOUT,
	OPT_STDERR,
	OPT_APPEND,
	OPT_CAPTURE,
	OPT_NO_CAPTURE
};

const char program_args[] =
    "[OPTIONS] (PKG.MOD:FUNC | SCRIPT.py | -m MOD | -c CODE | -) [ARGS]";

const char program_help[] =
    "What to run, as python would, in a child of a warmed template:\n"
    "  PKG.MOD:FUNC       a function, called without arguments; a coroutine\n"
    "                     function runs under trio. What it returns is the\n"
    "                     exit status, as for a console script\n"
    "  SCRIPT.py          a script: any word that has no ':' or has a '/'\n"
    "  -m MOD             a module or package\n"
    "  -c CODE            a program given as text\n"
    "  -                  a program read from standard input to its end,\n"
    "                     which is then run as with -c\n"
    "A function or module is looked for in the working directory first, a\n"
    "script's imports in its own folder. ARGS, options among them, are\n"
    "sys.argv[1:].\n\n"
    "  -t, --template NAME  the template; default: default\n"
    "      --warm, --cold   only from the warmed image; only without it\n"
    "  -e, --env K=V        set a variable, besides the environment of "
    "forkctl\n"
    "  -C, --cwd DIR        working directory; default: this one\n"
    "  -g, --grace SEC      between cancel and SIGKILL\n"
    "      --timeout SEC    cancel it when it has run that long\n"
    "      --start-timeout SEC  give up when it does not run by then\n"
    "      --no-contain     what it moves to other sessions outlives it, also\n"
    "                       where the daemon has control groups\n"
    "      --on-hang SEC    when trio's loop has not turned for so long: a "
    "dump, into\n"
    "                       the daemon's log and the exit record\n"
    "      --rlimit NAME=LIMIT  as prlimit's, such as nofile=1024 or, a soft "
    "and a\n"
    "                       hard one, core=0:infinity; as often as needed\n"
    "      --nice N         niceness\n"
    "      --cpus LIST      the CPUs that it runs on, such as 0-3,8\n"
    "      --oom-score-adj N  from -1000 to 1000: 1000 is killed first when "
    "memory\n"
    "                       is out\n"
    "      --memory-max BYTES  with K, M, G or T; this and the next two are for\n"
    "                       all that it starts as well, by its control group\n"
    "      --cpu-weight N   from 1 to 10000, 100 is the kernel's default\n"
    "      --pids-max N     processes and threads\n"
    "      --ready told|notify  started is when it says that it is ready, by\n"
    "                       _forkserverd.ready() or as for systemd\n"
    "      --stdin, --stdout, --stderr FILE  opened by the child itself; the\n"
    "                       latter two are emptied first\n"
    "      --append         write behind what they have\n";

/* All of standard input.  NULL, with errno: it cannot be read whole. */
static char *
read_stdin(size_t *n)
{
	char *p = malloc(SPAWN_MAX_CODE + 1);
	ssize_t got = 1;

	*n = 0;
	while (p != NULL && got > 0 && *n <= SPAWN_MAX_CODE) {
		got = read(STDIN_FILENO, p + *n, SPAWN_MAX_CODE + 1 - *n);
		if (got > 0)
			*n += got;
		else if (got == -1 && errno == EINTR)
			got = 1;
	}
	if (p != NULL && got == 0)
		return p;
	if (got > 0)
		errno = EFBIG;
	free(p);
	return NULL;
}

static int
set_cwd(struct program *p, const char *dir)
{
	char *here = getcwd(NULL, 0);

	free(p->cwd);
	p->cwd = NULL;
	if (dir == NULL)
		p->cwd = here;
	else if (dir[0] == '/')
		p->cwd = strdup(dir);
	else if (here != NULL && asprintf(&p->cwd, "%s/%s", here, dir) == -1)
		p->cwd = NULL;
	if (p->cwd != here)
		free(here);
	return p->cwd == NULL ? -1 : 0;
}

static int
add_env(struct program *p, const char *kv)
{
	const char **env;

	if (strchr(kv, '=') == NULL || kv[0] == '=')
		return -1;
	env = reallocarray(p->env, p->nenv + 1, sizeof(*env));
	if (env == NULL)
		abort();
	p->env = env;
	p->env[p->nenv++] = kv;
	return 0;
}

/* The word after the options. */
static bool
parse_word(struct program *p, const struct verb *v, const char *word,
    int *status)
{
	p->target = word;
	p->target_len = strlen(word);
	p->entry = SPAWN_SCRIPT;
	if (strchr(word, ':') != NULL && strchr(word, '/') == NULL)
		p->entry = SPAWN_CALL;
	if (strcmp(word, "-") != 0)
		return false;
	if (isatty(STDIN_FILENO)) {
		*status = verb_usage(v,
		    "standard input is a terminal; for a "
		    "prompt: -c 'import code; code.interact()'");
		return true;
	}
	p->entry = SPAWN_CODE;
	p->stdin_code = read_stdin(&p->target_len);
	p->target = p->stdin_code;
	if (p->target == NULL) {
		*status = verb_usage(v,
		    "read a program from standard input: "
		    "%s",
		    strerror(errno));
		return true;
	}
	return false;
}

/* The option's argument.  False when it is wrong, and *STATUS set. */
static bool
parse_seconds(const struct verb *v, uint64_t *ns, uint64_t min, int *status)
{
	if (rpc_seconds(optarg, ns) == 0 && *ns >= min)
		return true;
	*status = verb_usage(v, "\"%s\" is no time in seconds%s", optarg,
	    min > 0 ? " above 0" : "");
	return false;
}

/* The option's argument, for the limit WHICH.  False as below. */
static bool
parse_limit(struct program *p, const struct verb *v, enum limit which,
    int *status)
{
	struct err e;

	if (limits_text(&p->limits, which, limit_name(which), optarg, &e) == 0)
		return true;
	*status = verb_usage(v, "\"%s\": %s %s", optarg, e.key, e.msg);
	return false;
}

/* One option.  False when it is wrong, and *STATUS set. */
static bool
parse_option(struct program *p, const struct verb *v, int c, int *status)
{
	switch (c) {
	case 't':
		p->template = optarg;
		break;
	case 'e':
		if (add_env(p, optarg) == 0)
			break;
		*status = verb_usage(v, "\"%s\" is not K=V", optarg);
		return false;
	case 'C':
		if (set_cwd(p, optarg) == 0)
			break;
		*status = verb_usage(v, "working directory: %s",
		    strerror(errno));
		return false;
	case 'g':
		p->has_grace = true;
		return parse_seconds(v, &p->grace_ns, 0, status);
	case OPT_TIMEOUT:
		return parse_seconds(v, &p->timeout_ns, 1, status);
	case OPT_START_TIMEOUT:
		return parse_seconds(v, &p->start_timeout_ns, 1, status);
	case OPT_NO_CONTAIN:
		p->no_contain = true;
		break;
	case OPT_ON_HANG:
		return parse_seconds(v, &p->on_hang_ns, 1, status);
	case OPT_RLIMIT:
	case OPT_NICE:
	case OPT_CPUS:
	case OPT_OOM_SCORE_ADJ:
	case OPT_MEMORY_MAX:
	case OPT_CPU_WEIGHT:
	case OPT_PIDS_MAX:
		return parse_limit(p, v, c - OPT_RLIMIT, status);
	case OPT_COLD:
		p->start = "cold";
		break;
	case OPT_WARM:
		p->start = "warm";
		break;
	case OPT_NO_TTY:
		p->no_tty = true;
		break;
	case OPT_DETACH:
		p->detach = p->redirect.capture = true;
		break;
	case OPT_TOKEN:
		p->token = optarg;
		break;
	case OPT_FDS:
		p->own_fds = true;
		p->redirect.capture = false;
		break;
	case OPT_READY:
		p->ready = optarg;
		break;
	case OPT_STDIN:
	case OPT_STDOUT:
	case OPT_STDERR:
		p->redirect.file[c - OPT_STDIN] = optarg;
		break;
	case OPT_APPEND:
		p->redirect.append = true;
		break;
	case OPT_CAPTURE:
		if (rpc_id(optarg, &p->redirect.bytes) == 0)
			break;
		*status = verb_usage(v, "\"%s\" is no number of bytes", optarg);
		return false;
	case OPT_NO_CAPTURE:
		p->redirect.capture = false;
		break;
	}
	return true;
}

bool
program_parse(struct program *p, const struct verb *v, struct context *ctx,
    int argc, char **argv, int *status)
{
	/* The last ones are of `run` or of `spawn`. */
	const bool runs = v == &verb_run;
	const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "template", required_argument, NULL, 't' },
		{ "env", required_argument, NULL, 'e' },
		{ "cwd", required_argument, NULL, 'C' },
		{ "grace", required_argument, NULL, 'g' },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "start-timeout", required_argument, NULL, OPT_START_TIMEOUT },
		{ "no-contain", no_argument, NULL, OPT_NO_CONTAIN },
		{ "on-hang", required_argument, NULL, OPT_ON_HANG },
		{ "rlimit", required_argument, NULL, OPT_RLIMIT },
		{ "nice", required_argument, NULL, OPT_NICE },
		{ "cpus", required_argument, NULL, OPT_CPUS },
		{ "oom-score-adj", required_argument, NULL, OPT_OOM_SCORE_ADJ },
		{ "memory-max", required_argument, NULL, OPT_MEMORY_MAX },
		{ "cpu-weight", required_argument, NULL, OPT_CPU_WEIGHT },
		{ "pids-max", required_argument, NULL, OPT_PIDS_MAX },
		{ "ready", required_argument, NULL, OPT_READY },
		{ "stdin", required_argument, NULL, OPT_STDIN },
		{ "stdout", required_argument, NULL, OPT_STDOUT },
		{ "stderr", required_argument, NULL, OPT_STDERR },
		{ "append", no_argument, NULL, OPT_APPEND },
		{ "cold", no_argument, NULL, OPT_COLD },
		{ "warm", no_argument, NULL, OPT_WARM },
		{ "token", required_argument, NULL, OPT_TOKEN },
		{ runs ? "no-tty" : "fds", no_argument, NULL,
		    runs ? OPT_NO_TTY : OPT_FDS },
		{ runs ? "detach" : "capture",
		    runs ? no_argument : required_argument, NULL,
		    runs ? OPT_DETACH : OPT_CAPTURE },
		{ runs ? NULL : "no-capture", no_argument, NULL,
		    OPT_NO_CAPTURE },
		{ NULL, 0, NULL, 0 } };
	int c;

	*p = (struct program){ .redirect.capture = v == &verb_spawn };
	while ((c = getopt_long(argc, argv, "+t:e:C:g:m:c:", options, NULL)) !=
	    -1) {
		if (c == 'm' || c == 'c') { /* ends the options */
			p->entry = c == 'm' ? SPAWN_MODULE : SPAWN_CODE;
			p->target = optarg;
			p->target_len = strlen(optarg);
			break;
		}
		if (verb_common(v, ctx, c, optarg, status) ||
		    !parse_option(p, v, c, status))
			return true;
	}
	if (p->target == NULL && optind == argc) {
		*status = verb_usage(v, "nothing to run");
		return true;
	}
	if (p->target == NULL && parse_word(p, v, argv[optind++], status))
		return true;
	p->argv = argv + optind;
	p->argc = argc - optind;
	if (p->cwd == NULL && set_cwd(p, NULL) == -1) {
		*status = verb_usage(v, "working directory: %s",
		    strerror(errno));
		return true;
	}
	return false;
}

void
program_fini(struct program *p)
{
	free(p->cwd);
	free(p->env);
	free(p->stdin_code);
}
