/*
 * options: the command line.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of forkserverd. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
	const char *config; /* NULL: look for one */
	char **sets;        /* "path=value", owned with its strings */
	size_t nsets;
	int ready_fd; /* -1: none */
	bool check;
};

/* Reads argv; --help and --version print and exit, so does a wrong option.
 * Otherwise returns 0. */
int options_read(struct options *, int argc, char **argv);
void options_fini(struct options *);

#endif
