/*
 * ahead: C's part of ahead.py: how a job comes to be the main task of the trio.run
 * that its standby has entered.
 */
#ifndef ZYGOTE_AHEAD_H
#define ZYGOTE_AHEAD_H

#include <Python.h>
#include <stdbool.h>

#include "proto/spawn.h"

/* What `standby` of runtime.py has returned, and is kept.  Returns the function
 * that enters the run, borrowed. */
PyObject *ahead_take(PyObject *told);

/* Whether a job calls a plain coroutine function of a module that is there: no code
 * is run to find it. */
bool ahead_is_for(const struct spawn *);

/* In the run, before the job comes.  -1 with an exception set. */
int ahead_enter(void);

/* The coroutine of such a job, a new reference; no code is run to make it either.
 * NULL, without an exception: the job is another, or its arguments are. */
PyObject *ahead_coroutine(const struct spawn *);

/* The main task becomes COROUTINE's, as if it had been from its beginning.  -1 with
 * an exception set. */
int ahead_name(const struct spawn *, PyObject *coroutine);

#endif
