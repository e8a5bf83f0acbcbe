/*
 * preload: a template's imports: runs them one after the other, measures each,
 * and audits what it leaves behind.  For the worker thread (or, for a cold
 * start, a child's only thread), with the template's thread state current.
 */
#ifndef ZYGOTE_PRELOAD_H
#define ZYGOTE_PRELOAD_H

#include <Python.h>
#include <stdint.h>

#include "daemon/zygote/audit.h"
#include "daemon/zygote/conf.h"
#include "proto/err.h"

struct preload_module {
	char *name;
	uint64_t ns; /* how long its import took, its imports included */
	uint64_t private_kb; /* what the process grew by meanwhile */
};

struct preload {
	/* Told before each import: a module that ends the process must have
	 * been named.  NULL: nobody. */
	void (*tell)(const char *module);
	struct audit audit; /* to be begun; without, nothing is audited */
	bool audited;
	struct preload_module *modules;
	unsigned n;
	char *failed_module; /* of a preload_run that failed, or NULL */
	char *traceback;     /* likewise */
};

/* RUNTIME is module _forkserverd.  0, or -1 with E, failed_module and traceback
 * filled. */
int preload_run(struct preload *, PyObject *runtime, const struct conf *,
    struct err *e);

/* Calls a function of RUNTIME with a list of WORDS (NULL-terminated): None, or
 * the fault that is kept as preload_run does.  0, or -1. */
int preload_call(struct preload *, PyObject *runtime, const char *fn,
    char **words, struct err *e);

/* What the priming has left behind.  0, or -1 with E filled. */
int preload_audit_last(struct preload *, struct err *e);

#endif
