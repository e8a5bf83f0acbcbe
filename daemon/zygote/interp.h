/*
 * interp: starts CPython in the calling thread, configured as this project
 * wants it.  Owns nothing afterwards: the interpreter lives as long as the
 * process.
 */
#ifndef ZYGOTE_INTERP_H
#define ZYGOTE_INTERP_H

#include <Python.h>

#include "proto/err.h"

/* Removes the PYTHON* variables that the daemon's starter happened to have:
 * they are not meant for templates.  To be called before a template's own
 * environment is set. */
void interp_clean_env(void);

/* Whether the library that runs is the CPython this is built for.  0, or -1
 * with E filled. */
int interp_check_version(struct err *e);

/*
 * Initialises CPython as `python` does, so that sys.flags and what children
 * exec is the same, but for signal handlers, which it does not install, and
 * `site`, which is the templates' affair: this interpreter imports nothing of
 * a user's.  The paths are those of the executable that belongs to the linked
 * library, or of the one in VENV (the folder of a virtual environment, or
 * NULL), so that multiprocessing finds it.  Returns the main thread state,
 * current, or NULL with E filled.  Once a process.
 */
PyThreadState *interp_start(const char *venv, struct err *e);

/*
 * Does what `site` does, in the interpreter of the current thread state, which
 * was started without: where extension modules are first initialised in the
 * main interpreter, it must find what they import.  PATH (NULL-terminated)
 * comes in front of sys.path.  0, or -1 with E filled.
 */
int interp_site(char **path, struct err *e);

#endif
