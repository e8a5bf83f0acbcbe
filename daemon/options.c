#include "daemon/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/version.h"

#ifndef FORKSERVERD_VERSION
#define FORKSERVERD_VERSION "0.1"
#endif

static const char help[] =
    "usage: forkserverd [OPTION]...\n"
    "\n"
    "Serves Python children, forked from warmed templates, over a UNIX socket.\n"
    "\n"
    "  --config FILE       read this file; else the first that exists of\n"
    "                      $XDG_CONFIG_HOME/forkserverd.toml (or\n"
    "                      ~/.config/forkserverd.toml), /etc/forkserverd.toml\n"
    "  --socket PATH       listen there; the same as --set server.socket=PATH.\n"
    "                      A socket that systemd passes is taken before it; the\n"
    "                      default is $XDG_RUNTIME_DIR/forkserverd.sock, for root\n"
    "                      without one /run/forkserverd.sock\n"
    "  --set KEY=VALUE     set a key, as server.grace=2.5 or\n"
    "                      template.default.preload=trio,numpy; may be repeated\n"
    "  --log-level LEVEL   error, warn, info or debug\n"
    "  --ready-fd N        write a line end to descriptor N and close it when\n"
    "                      listening and all templates are ready or have failed\n"
    "  --check-config      print the configuration in force as TOML and exit\n"
    "  --help              print this and exit\n"
    "  --version           print the version and exit\n"
    "\n"
    "The command line wins over the environment (FORKSERVERD_SERVER_KEY,\n"
    "FORKSERVERD_TEMPLATE_NAME_KEY), which wins over the file.\n"
    "\n"
    "Signals: SIGTERM and SIGINT end leased children (with server.drain_detached\n"
    "all of them) and then the daemon; the second one kills them and ends it at\n"
    "once.\n"
    "\n"
    "Exit status: 0 after an orderly end (with --check-config: all is good),\n"
    "1 when it cannot start or the configuration is wrong, 2 for a wrong option.\n";

static int
add_set(struct options *o, const char *key, const char *value)
{
	char **v = reallocarray(o->sets, o->nsets + 1, sizeof(*v)), *s;

	if (v == NULL)
		return -1;
	o->sets = v;
	if (asprintf(&s, "%s%s", key, value) == -1)
		return -1;
	v[o->nsets++] = s;
	return 0;
}

[[noreturn]] static void
usage_error(const char *fmt, const char *arg)
{
	fputs("forkserverd: ", stderr);
	fprintf(stderr, fmt, arg);
	fputs("\nTry 'forkserverd --help'.\n", stderr);
	exit(EXIT_USAGE);
}

static int
read_fd(const char *s)
{
	char *end;
	long fd = strtol(s, &end, 10);

	if (end == s || *end != '\0' || fd < 0 || fd > INT_MAX ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		usage_error("--ready-fd %s: no open descriptor", s);
	return fd;
}

enum {
	OPT_CONFIG = 256,
	OPT_SOCKET,
	OPT_SET,
	OPT_LEVEL,
	OPT_READY,
	OPT_CHECK,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "set", required_argument, NULL, OPT_SET },
	{ "log-level", required_argument, NULL, OPT_LEVEL },
	{ "ready-fd", required_argument, NULL, OPT_READY },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

static int
take(struct options *o, int opt)
{
	switch (opt) {
	case OPT_CONFIG:
		o->config = optarg;
		return 0;
	case OPT_SOCKET:
		return add_set(o, "server.socket=", optarg);
	case OPT_SET:
		return add_set(o, "", optarg);
	case OPT_LEVEL:
		return add_set(o, "server.log_level=", optarg);
	case OPT_READY:
		o->ready_fd = read_fd(optarg);
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_OK);
	case OPT_VERSION:
		printf("forkserverd %s (protocol %d)\n", FORKSERVERD_VERSION,
		    PROTO_CLIENT_VERSION);
		exit(EXIT_OK);
	}
	fputs("Try 'forkserverd --help'.\n", stderr);
	exit(EXIT_USAGE);
}

int
options_read(struct options *o, int argc, char **argv)
{
	int opt;

	*o = (struct options){ .ready_fd = -1 };
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (take(o, opt) == -1)
			return -1;
	if (optind < argc)
		usage_error("unexpected argument '%s'", argv[optind]);
	return 0;
}

void
options_fini(struct options *o)
{
	for (size_t i = 0; i < o->nsets; i++)
		free(o->sets[i]);
	free(o->sets);
	*o = (struct options){ .ready_fd = -1 };
}
