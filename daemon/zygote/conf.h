/*
 * conf: what the daemon's `configure` asks of this zygote.  Owns copies of all
 * its strings.
 */
#ifndef ZYGOTE_CONF_H
#define ZYGOTE_CONF_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

enum conf_mode { CONF_LEGACY, CONF_ISOLATED };

struct conf {
	char *template;
	bool cold; /* make no template; the children do */
	enum conf_mode mode;
	bool promote;
	bool watch;     /* tell when a file has changed that it is made from */
	char **preload; /* NULL-terminated */
	char **path;    /* NULL-terminated */
	char *venv;     /* a virtual environment's folder, NULL: none */
	char **prime;   /* MODULE:FUNCTION, called once while it is made */
	char **after_fork; /* MODULE:FUNCTION, called in each child */
	char **allow;      /* classes of audit.h */
	char **env;        /* NULL-terminated, NAME=value */
	bool account;      /* the environment tells whose process it is */
	uint64_t canary_ns;
	uint64_t generation;
};

/* Reads the params of `configure`.  0, or -1 with E naming the key; C is to be
 * freed in both cases. */
int conf_read(struct conf *c, const msgpack_object *params, struct err *e);
void conf_fini(struct conf *);

#endif
