/*
 * cpython: the one file that reaches below CPython's public API.  It owns the
 * guards that prove the running library has the layout it was built against,
 * and the three moves that keep a subinterpreter across a fork: unlink, adopt,
 * promote.  Rules and reasons: CPYTHON.md in the project's design notes.
 *
 * Everything here is for the worker thread, which is CPython's only thread.
 */
#ifndef ZYGOTE_CPYTHON_H
#define ZYGOTE_CPYTHON_H

#include <Python.h>

#include "proto/err.h"

/* Who the runtime took for its main interpreter before a promotion. */
struct cpython_main {
	PyInterpreterState *interp, *head, *gilstate;
	PyThreadState *tstate;
	long whence; /* of the promoted interpreter, before */
	int64_t id;  /* likewise, and the rest */
	unsigned long features;
	int own_gil;
};

/*
 * Compares what the running library publishes (its debug offsets) and answers
 * (its public functions) with the headers this was built with.  To be called
 * on the main interpreter's thread state, with no other interpreter alive.
 * 0, or -1 with E saying which of them differs: nothing below may then be
 * called.
 */
int cpython_check(struct err *e);

/* Interpreters that are made after this import `site`, although the main one,
 * whose configuration they copy, was told not to. */
void cpython_site_from_now_on(void);

/* Takes TS's interpreter off the runtime's list, where any fork would meet it
 * (PyOS_AfterFork_Child crashes on a live subinterpreter: gh-139759). */
void cpython_unlink(PyThreadState *ts);

/*
 * Makes the interpreter of TS the runtime's main one, and the only one on its
 * list, with the number and the configuration of one; fills OLD for
 * cpython_demote.  TS must belong to the calling thread.
 */
void cpython_promote(PyThreadState *ts, struct cpython_main *old);
void cpython_demote(PyThreadState *ts, const struct cpython_main *old);

/* In the child, after PyOS_AfterFork_Child and with TS current: TS's native
 * thread id, the C callbacks' interpreter and `is_running` are mended.  TS's
 * interpreter goes onto the list unless a promotion did that. */
void cpython_adopt(PyThreadState *ts);

/* Runs the hooks that the interpreter of TS, which is current, has registered
 * with os.register_at_fork.  A hook that raises is told to sys.unraisablehook,
 * as CPython does. */
void cpython_hooks_before(PyThreadState *ts);
void cpython_hooks_child(PyThreadState *ts);

/* Lets single-phase modules load into the own-GIL interpreter of the current
 * thread state.  For one that is going to be promoted, and not yet is: CPython
 * refuses it to the main interpreter.  0, or -1 with E filled. */
int cpython_allow_all_extensions(struct err *e);

/* OP, of the current interpreter, is never freed and its references are not
 * counted any more.  Not where it is a string that was not interned: as it might
 * be later, with a count. */
void cpython_immortal(PyObject *op);
/* A string, which is interned by that; not where an equal one was before. */
void cpython_immortal_constant(PyObject *op);

/* Has CODE load its immortal constants as such; once all of them are. */
void cpython_settle_constants(PyCodeObject *code);

/* Takes, for good, what is free of the current interpreter's small blocks: the
 * next ones come from an arena without any, which is there already.  Does
 * nothing where Python's objects have another allocator. */
void cpython_fill_pools(void);

/* A frame of the evaluation loop, from a copy of its first CPYTHON_FRAME_BYTES
 * bytes: addresses that may be stale and are to be read with care (stacks.c). */
#define CPYTHON_FRAME_BYTES 80
struct cpython_frame {
	uintptr_t code, previous, at; /* code: 0, it has none to show */
};
void cpython_frame(const void *bytes, struct cpython_frame *);
/* Where the head of INTERP's list of thread states is kept. */
uintptr_t cpython_threads_at(PyInterpreterState *interp);

/* Number of thread states of the interpreter of TS. */
unsigned cpython_threads(PyThreadState *ts);

#endif
