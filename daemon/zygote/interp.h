/*
 * interp: starts CPython in the calling thread, configured as this project
 * wants it.  Owns nothing afterwards: the interpreter lives as long as the
 * process.
 */
#ifndef ZYGOTE_INTERP_H
#define ZYGOTE_INTERP_H

#include <Python.h>

#include "proto/err.h"

/*
 * Initialises CPython with an isolated configuration: no PYTHON* variables, no
 * user's site-packages, no signal handlers, the locale's encoding.  The paths
 * are those of PYTHON, the executable that belongs to the linked library, so
 * that multiprocessing finds it.  Returns the main thread state, current, or
 * NULL with E filled.  Once a process.
 */
PyThreadState *interp_start(struct err *e);

/* The executable; a static string. */
const char *interp_python(void);

#endif
