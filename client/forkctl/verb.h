/*
 * verb: what a subcommand is, and what all of them are given.  Each verb is a
 * file of its own; main.c has the table.
 */
#ifndef FORKCTL_VERB_H
#define FORKCTL_VERB_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit statuses of our own; all others are the child's. */
enum {
	EXIT_TIMEOUT = 124, /* wait --timeout, as timeout(1) has it */
	EXIT_OURS = 125,    /* usage, no connection, the daemon's errors */
	EXIT_SETUP = 126,   /* the child could not be set up to run */
};

struct context {
	const char *socket; /* --socket, or NULL */
	bool json;
	FILE *out;          /* where replies and errors as JSON go */
	bool was_closed[3]; /* fds 0 to 2 that we were started without */
};

struct verb {
	const char *name;
	const char *args; /* usage after the name, "" if none */
	const char *line; /* one line for the list of verbs */
	const char *help; /* the rest of its help, whole lines */
	const char *more; /* what follows that, or NULL */
	/* ARGV[0] is the verb's name.  Returns the exit status. */
	int (*exec)(struct context *, int argc, char **argv);
};

extern const struct verb verb_ping, verb_run, verb_spawn, verb_ps, verb_logs,
    verb_wait, verb_attach, verb_detach, verb_events, verb_cancel, verb_kill,
    verb_signal, verb_inspect, verb_status, verb_templates, verb_shutdown,
    verb_doctor, verb_bench, verb_dump, verb_reload, verb_drain, verb_metrics,
    verb_top;

/* Prints the help of V to standard output. */
void verb_help(const struct verb *v);

/* Prints usage of V and what is wrong, to standard error.  EXIT_OURS. */
int verb_usage(const struct verb *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The values that getopt_long returns for what every verb takes, so that
 * `forkctl ps --json` means `forkctl --json ps`.
 */
enum { OPT_HELP = 256, OPT_JSON, OPT_SOCKET, OPT_FIRST };
#define VERB_COMMON_OPTIONS \
	{ "help", no_argument, NULL, OPT_HELP }, \
	    { "json", no_argument, NULL, OPT_JSON }, \
	{ \
		"socket", required_argument, NULL, OPT_SOCKET \
	}

/* Handles OPT as getopt_long returned it, if it is a common one or an error.
 * Returns true when the verb must return *STATUS. */
bool verb_common(const struct verb *, struct context *, int opt,
    const char *optarg, int *status);

/* The whole command line of a verb that has no options of its own and wants
 * exactly NARGS words.  Returns true when the verb must return *STATUS; else
 * the words begin at optind. */
bool verb_plain(const struct verb *, struct context *, int argc, char **argv,
    int nargs, int *status);

#endif
