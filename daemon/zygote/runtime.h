/*
 * runtime: the Python side of a template: module `_forkserverd` (runtime.py and
 * the C functions under it) and what it imports, the other .py files here, each
 * as `_forkserverd_NAME`.  It calls from C into Python and back; what a child
 * says to the daemon goes through struct runtime_ops.
 */
#ifndef ZYGOTE_RUNTIME_H
#define ZYGOTE_RUNTIME_H

#include <Python.h>
#include <stdbool.h>

#include "daemon/zygote/control.h"
#include "proto/err.h"

/* What the Python side asks of the C side; set before it is called. */
struct runtime_ops {
	void (*loading)(const char *module);
	bool (*loaded)(const char *module); /* false: what it left is refused */
	void (*failed)(const char *type, const char *detail, const char *tb);
	void (*raised)(const char *type, const char *detail, const char *tb);
	void (*returned)(PyObject *result);
	void (*answer)(uint64_t number, PyObject *look); /* NULL: to a ping */
	/* 1: told, 0: nobody waits for it, -1: E filled, ERR_INVALID_PARAMS
	 * where VALUE is at fault. */
	int (*ready)(PyObject *value, struct err *e);
	/* In trio.run, that a standby has entered: the first step of its main
	 * task, as a coroutine's send. */
	PyObject *(*await_job)(void);
	void (*control_arm)(void);
	struct control_asked (*control_take)(void);
	void (*control_drop)(void); /* in a process forked by the child */
};
extern struct runtime_ops runtime_ops;

/* Makes the modules in the interpreter of the current thread state.  Returns a
 * new reference to `_forkserverd`, or NULL with E filled. */
PyObject *runtime_new(struct err *e);

/* Calls a function of the module.  A new reference, or NULL with E filled and
 * no exception set; then FMT is as Py_BuildValue's, a tuple. */
PyObject *runtime_call(PyObject *runtime, struct err *e, const char *fn,
    const char *fmt, ...);

/* Fills E (ERR_INTERNAL) with the exception that is set, and clears it. */
int runtime_exception(struct err *e, const char *what);

#endif
