/*
 * gate: CPython's refusal to let a subinterpreter live in a forked process,
 * met on purpose: a fork from a subinterpreter's thread.
 */
#ifndef DOCTOR_GATE_H
#define DOCTOR_GATE_H

#include <Python.h>
#include <signal.h>
#include <stdbool.h>

#include "daemon/zygote/doctor/experiment.h"

/* What the child says as it dies, and how: CPython's fatal error is an exit
 * here.  Its debug build asserts the same a little earlier. */
#ifndef Py_DEBUG
#define GATE_MESSAGE "not main interpreter"
#define GATE_ENDING { .code = 1 }
#define GATE_EXPECTED "exits with 1, \"" GATE_MESSAGE "\""
#else
#define GATE_MESSAGE "tstate->interp == _PyInterpreterState_Main()"
#define GATE_ENDING { .code = -1, .signal = SIGABRT }
#define GATE_EXPECTED "dies of SIGABRT, \"" GATE_MESSAGE "\""
#endif

struct gate {
	bool refused;   /* the child died as CPython's gate has it */
	char ended[64]; /* how it ended */
	char said[256]; /* its fatal error, one line */
};

/* Starts Python in this process and tries it.  0, or -1 with E filled: no
 * child came of it. */
int gate_try(struct gate *, const struct setting *, struct err *e);

#endif
