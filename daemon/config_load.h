/*
 * config_load: where the configuration comes from: the file, the environment,
 * the --set options.
 */
#ifndef DAEMON_CONFIG_LOAD_H
#define DAEMON_CONFIG_LOAD_H

#include "daemon/config.h"

struct config_reader;

/* What the command line says of it. */
struct config_source {
	const char *file;  /* of --config, which must exist.  NULL: the first of
			    * $XDG_CONFIG_HOME/forkserverd.toml (or
			    * ~/.config/forkserverd.toml) and
			    * /etc/forkserverd.toml that is there, if any */
	char *const *sets; /* "path=value" */
	size_t nsets;
};

/* Fills C, which config_init made.  It blocks: for use before the loop starts.
 * 0, or -1 with E naming the source, the key and what was expected. */
int config_load(struct config *c, const struct config_source *, struct err *);

/* The same beside the loop: has the reader started, whose pid is 0 where there
 * is no file ... */
int config_load_begin(struct config_reader *, const struct config_source *,
    struct err *);
/* ... and the rest, when it has ended with STATUS. */
int config_load_end(struct config_reader *, const struct config_source *,
    int status, struct config *c, struct err *);

#endif
