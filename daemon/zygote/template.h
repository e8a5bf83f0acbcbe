/*
 * template: one subinterpreter, warmed: created, its preloads imported, primed
 * and frozen.  For the worker thread (or, for a cold start, a child's only
 * thread).  It never runs a client's code in the zygote.
 */
#ifndef ZYGOTE_TEMPLATE_H
#define ZYGOTE_TEMPLATE_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "daemon/zygote/conf.h"
#include "daemon/zygote/preload.h"
#include "proto/err.h"

struct template
{
	const struct conf *conf; /* borrowed */
	PyThreadState *main_ts;  /* current outside of template_* */
	PyThreadState *ts;       /* NULL until made */
	int64_t id;              /* of TS's interpreter, as it was made */
	PyObject *runtime;       /* module _forkserverd, of TS */
	bool adoptable;          /* the guards hold: may outlive a fork */
	bool promote;            /* its children are promoted */
	char reason[512];        /* why not adoptable or not promoted, or "" */
	struct preload preload;
	struct timespec since; /* nothing was read before; CLOCK_REALTIME */
	char **sources;        /* what watch.h is to watch; NULL: nothing */
};

/*
 * Starts Python in this thread and runs the guards.  T->adoptable and
 * T->promote say what they allow.  0, or -1 with E filled when there is no
 * Python at all.
 */
int template_start(struct template *t, const struct conf *, struct err *e);

/*
 * Makes the subinterpreter and leaves the main thread state current.  With
 * STAY it is to be used in this process, which has been forked for it: it stays
 * current (and promoted), is not frozen, and nothing is audited.  0, or -1 with
 * E filled, and what T->preload says of a failure.
 */
int template_make(struct template *t, bool stay, struct err *e);

/* In a child: makes the interpreter of T this process's own: current, promoted
 * if T->promote, its after-fork hooks run. */
void template_adopt(struct template *t);

#endif
