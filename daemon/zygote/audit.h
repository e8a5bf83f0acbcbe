/*
 * audit: what preloads leave behind beside modules: descriptors and threads.
 * Owns the classes, each of which is kept, kept with a warning, or refused
 * unless the template's `allow` names it.  Knows no Python: threads of the
 * template's interpreter are counted elsewhere.  For the worker thread.
 */
#ifndef ZYGOTE_AUDIT_H
#define ZYGOTE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/zygote/fds.h"
#include "proto/err.h"

#define AUDIT_MAX_THREADS 1024
#define AUDIT_MAX_WARNINGS 32

struct audit {
	char **allow; /* borrowed: names of classes, NULL-terminated */
	struct fds_kept before;           /* the zygote's own */
	struct fds_kept kept;             /* what children begin with */
	pid_t threads[AUDIT_MAX_THREADS]; /* seen and let pass */
	unsigned nthreads;
	char *warnings[AUDIT_MAX_WARNINGS]; /* owned */
	unsigned nwarnings;
};

/* Takes what is there now for the zygote's own.  0, or -1 with E filled: too
 * much, or /proc cannot be read. */
int audit_begin(struct audit *, char **allow, struct err *e);

/* Looks at what has come since.  WHAT is to blame for it.  0,
 * or -1 with E naming what was left and the class that would allow it. */
int audit_again(struct audit *, const char *what, struct err *e);

/* Of what costs the template nothing, but is to be known of it. */
void audit_warn(struct audit *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
