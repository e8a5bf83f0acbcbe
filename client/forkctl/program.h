/*
 * program: what `run` and `spawn` shall start, as the command line says it.
 * Owns the words' meaning and the params of a spawn made from them.
 */
#ifndef FORKCTL_PROGRAM_H
#define FORKCTL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/forkctl/redirect.h"
#include "client/forkctl/rpc.h"
#include "proto/spawn.h"

struct program {
	const char *template; /* NULL: the daemon's default */
	const char *start;    /* "warm", "cold", NULL: any */
	char *cwd;            /* absolute; owned */
	const char **env;     /* --env, in order; owned array */
	unsigned nenv;
	bool has_grace;
	uint64_t grace_ns;
	uint64_t timeout_ns, start_timeout_ns; /* 0: none */
	uint64_t on_hang_ns;                   /* 0: it is not watched */
	bool no_contain;
	struct limits limits;
	const char *token;   /* NULL: none */
	bool no_tty, detach; /* of run */
	bool own_fds;        /* of spawn */

	const char *ready; /* NULL: to run is enough */
	struct redirect redirect;

	enum spawn_entry entry;
	const char *target;
	size_t target_len;
	char *stdin_code; /* TARGET of "-"; owned */
	char **argv;      /* sys.argv[1:] */
	int argc;
};

/* Text for the help of both verbs. */
extern const char program_args[], program_help[];

/* Reads the words of V's command line.  Returns true when the verb must
 * return *STATUS.  program_fini in every case. */
bool program_parse(struct program *, const struct verb *v, struct context *,
    int argc, char **argv, int *status);
void program_fini(struct program *);

/* Packs the params of `spawn` from P and the surroundings of this process:
 * environment, umask.  TARGETS are NFDS target numbers; TTY is one of them or
 * -1. */
void program_pack(const struct program *, struct params *, const int *targets,
    unsigned nfds, int tty, bool detached);

#endif
