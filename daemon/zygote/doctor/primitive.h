/*
 * primitive: the three moves that the scenarios are made of: fork from a worker
 * thread, run a subinterpreter in a worker thread, wait for a child and say
 * whether it ended as expected.
 */
#ifndef DOCTOR_PRIMITIVE_H
#define DOCTOR_PRIMITIVE_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/zygote/handover.h"
#include "proto/err.h"

/*
 * Forks in the worker thread of H, where Python runs in the main interpreter,
 * while the calling thread is parked.  The child ends with what CHILD(ARG)
 * returns, called with Python usable.  Returns the pid, or -1 with E filled.
 */
pid_t fork_from_worker_thread(struct handover *h, int (*child)(void *),
    void *arg, struct err *e);

/* The same in the calling thread, which has a thread state current. */
pid_t fork_from_this_thread(int (*child)(void *), void *arg, struct err *e);

/*
 * Makes a subinterpreter in a new thread, runs BOOTSTRAP (source) in it, and
 * joins the thread.  To be called with a thread state of the main interpreter
 * current.  The subinterpreter is left to the process's end, as a zygote leaves
 * its own.  0, or -1 with E filled: it was not made, or BOOTSTRAP raised.
 */
int run_subinterpreter_in_worker_thread(const PyInterpreterConfig *,
    const char *bootstrap, struct err *e);

/* `_interpreters`' own: everything allowed, and the GIL shared. */
extern const PyInterpreterConfig primitive_legacy;
/* A GIL of its own, and all of it that can be allowed. */
extern const PyInterpreterConfig primitive_isolated;

/* How a child ends. */
struct ending {
	int code;   /* exit status, or -1 */
	int signal; /* that killed it, or 0 */
};

/* Waits for PID, says in WHAT how it ended, and returns whether that is
 * EXPECTED.  A core dump never is. */
bool wait_for_child(pid_t pid, struct ending expected, char *what, size_t n);

/*
 * Runs SOURCE in the interpreter of the current thread state, in a namespace
 * of its own, with the name `__main__`.  Returns the namespace, or NULL with E
 * filled and the traceback on standard error.
 */
PyObject *primitive_run(const char *source, struct err *e);

/* Fills E with the exception that is set, prints its traceback and clears it.
 * Returns -1. */
int primitive_failed(struct err *e);

#endif
