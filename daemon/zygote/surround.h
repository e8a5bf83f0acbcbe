/*
 * surround: what user code sees of its job's surroundings: sys.argv, sys.path,
 * os.environ, standard streams.  Descriptors and all that is no Python's are
 * setup's.  In C where it can be, as nothing of Python's is in the processor's
 * caches when a standby has waited.
 */
#ifndef ZYGOTE_SURROUND_H
#define ZYGOTE_SURROUND_H

#include <Python.h>
#include <stdbool.h>

#include "proto/err.h"
#include "proto/spawn.h"

/* When a template is frozen, and when user code has run since.  -1 with E filled. */
int surround_know(PyObject *runtime, struct err *e);

/* sys.argv[0] is left as it is: it is what finds the program that knows it.  From
 * now on the daemon is heard.  -1 with E filled. */
int surround_job(PyObject *runtime, const struct spawn *, bool promoted,
    struct err *e);

#endif
