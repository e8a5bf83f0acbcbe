#include "daemon/zygote/cpython.h"

#if PY_VERSION_HEX >> 16 != 0x030e
#error "forkserverd reaches below the API of CPython 3.14 and knows no other"
#endif
#ifdef Py_GIL_DISABLED
#error "forkserverd does not know the free-threaded build"
#endif

#define Py_BUILD_CORE 1
#include <internal/pycore_code.h>
#include <internal/pycore_debug_offsets.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_interpframe_structs.h>
#include <internal/pycore_object.h>
#include <internal/pycore_obmalloc.h>
#define NEED_OPCODE_METADATA
#include <internal/pycore_opcode_metadata.h>
#include <internal/pycore_pymem.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_runtime.h>
#include <internal/pycore_unicodeobject.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* What a main interpreter is made with. */
#define MAIN_FEATURES \
	(Py_RTFLAGS_USE_MAIN_OBMALLOC | Py_RTFLAGS_FORK | Py_RTFLAGS_EXEC | \
	    Py_RTFLAGS_THREADS | Py_RTFLAGS_DAEMON_THREADS)

/* One figure of debug_offsets and what the headers say. */
struct figure {
	const char *name;
	uint64_t theirs, ours;
};

static int
check_figures(const _Py_DebugOffsets *d, struct err *e)
{
	const struct figure figures[] = {
		{ "version", d->version >> 16, PY_VERSION_HEX >> 16 },
		{ "free_threaded", d->free_threaded, 0 },
		{ "sizeof(_PyRuntimeState)", d->runtime_state.size,
		    sizeof(_PyRuntimeState) },
		{ "interpreters.head", d->runtime_state.interpreters_head,
		    offsetof(_PyRuntimeState, interpreters.head) },
		{ "sizeof(PyInterpreterState)", d->interpreter_state.size,
		    sizeof(PyInterpreterState) },
		{ "PyInterpreterState.next", d->interpreter_state.next,
		    offsetof(PyInterpreterState, next) },
		{ "PyInterpreterState.threads.head",
		    d->interpreter_state.threads_head,
		    offsetof(PyInterpreterState, threads.head) },
		{ "PyInterpreterState.threads.main",
		    d->interpreter_state.threads_main,
		    offsetof(PyInterpreterState, threads.main) },
		{ "PyInterpreterState.imports.modules",
		    d->interpreter_state.imports_modules,
		    offsetof(PyInterpreterState, imports.modules) },
		{ "sizeof(PyThreadState)", d->thread_state.size,
		    sizeof(PyThreadState) },
		{ "PyThreadState.interp", d->thread_state.interp,
		    offsetof(PyThreadState, interp) },
		{ "PyThreadState.thread_id", d->thread_state.thread_id,
		    offsetof(PyThreadState, thread_id) },
		{ "PyThreadState.native_thread_id",
		    d->thread_state.native_thread_id,
		    offsetof(PyThreadState, native_thread_id) },
		{ "PyThreadState.current_frame", d->thread_state.current_frame,
		    offsetof(PyThreadState, current_frame) },
		{ "_PyInterpreterFrame.instr_ptr",
		    d->interpreter_frame.instr_ptr,
		    offsetof(_PyInterpreterFrame, instr_ptr) },
		{ "_PyInterpreterFrame.owner", d->interpreter_frame.owner,
		    offsetof(_PyInterpreterFrame, owner) },
	};

	if (memcmp(d->cookie, _Py_Debug_Cookie, sizeof(d->cookie)) != 0)
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "layout of libpython: no debug offsets");
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (figures[i].theirs != figures[i].ours)
			return err_set(e, ERR_TEMPLATE_FAILED,
			    "layout of libpython: %s is %llu, built for %llu",
			    figures[i].name,
			    (unsigned long long)figures[i].theirs,
			    (unsigned long long)figures[i].ours);
	return 0;
}

/* The fields that debug_offsets lacks, against what the public API answers. */
static int
check_answers(struct err *e)
{
	PyThreadState *ts = PyThreadState_Get();
	PyInterpreterState *interp = PyThreadState_GetInterpreter(ts);
	const char *wrong = NULL;
	int site = -1;

	if (PyConfig_GetInt("site_import", &site) == -1)
		PyErr_Clear();
	if (_PyRuntime.interpreters.head != PyInterpreterState_Head())
		wrong = "interpreters.head";
	else if (_PyRuntime.interpreters.main != PyInterpreterState_Main())
		wrong = "interpreters.main";
	else if (_PyRuntime.main_tstate != ts)
		wrong = "main_tstate";
	else if (_PyRuntime.gilstate.autoInterpreterState != interp)
		wrong = "gilstate.autoInterpreterState";
	else if (interp->next != PyInterpreterState_Next(interp))
		wrong = "PyInterpreterState.next";
	else if (interp->ceval.own_gil != 1)
		wrong = "PyInterpreterState.ceval.own_gil";
	else if (interp->_whence != _PyInterpreterState_GetWhence(interp))
		wrong = "PyInterpreterState._whence";
	else if (interp->id != PyInterpreterState_GetID(interp))
		wrong = "PyInterpreterState.id";
	else if (interp->feature_flags != MAIN_FEATURES)
		wrong = "PyInterpreterState.feature_flags";
	else if (interp->config.site_import != site)
		wrong = "PyInterpreterState.config";
	else if (interp->threads.head != PyInterpreterState_ThreadHead(interp))
		wrong = "PyInterpreterState.threads.head";
	else if (ts->native_thread_id != (unsigned long)gettid())
		wrong = "PyThreadState.native_thread_id";
	if (wrong == NULL)
		return 0;
	return err_set(e, ERR_TEMPLATE_FAILED,
	    "layout of libpython: %s is not where the headers say", wrong);
}

int
cpython_check(struct err *e)
{
	if (check_figures(&_PyRuntime.debug_offsets, e) == -1)
		return -1;
	return check_answers(e);
}

void
cpython_site_from_now_on(void)
{
	PyInterpreterState_Main()->config.site_import = 1;
}

void
cpython_unlink(PyThreadState *ts)
{
	PyInterpreterState **at = &_PyRuntime.interpreters.head;

	while (*at != NULL && *at != ts->interp)
		at = &(*at)->next;
	if (*at != NULL)
		*at = ts->interp->next;
	ts->interp->next = NULL;
}

void
cpython_promote(PyThreadState *ts, struct cpython_main *old)
{
	old->interp = _PyRuntime.interpreters.main;
	old->head = _PyRuntime.interpreters.head;
	old->gilstate = _PyRuntime.gilstate.autoInterpreterState;
	old->tstate = _PyRuntime.main_tstate;
	old->whence = ts->interp->_whence;
	old->id = ts->interp->id;
	old->features = ts->interp->feature_flags;
	old->own_gil = ts->interp->ceval.own_gil;
	/* It alone is on the list, so that an os.fork() of its own, which
	 * clears every interpreter but the main one, meets no other. */
	ts->interp->next = NULL;
	_PyRuntime.interpreters.head = ts->interp;
	_PyRuntime.interpreters.main = ts->interp;
	_PyRuntime.gilstate.autoInterpreterState = ts->interp;
	_PyRuntime.main_tstate = ts;
	/* concurrent.interpreters asserts it of the main interpreter. */
	ts->interp->_whence = _PyInterpreterState_WHENCE_RUNTIME;
	/* Programs take that for the main one's. */
	ts->interp->id = 0;
	ts->interp->feature_flags = MAIN_FEATURES;
	ts->interp->ceval.own_gil = 1;
}

void
cpython_demote(PyThreadState *ts, const struct cpython_main *old)
{
	ts->interp->_whence = old->whence;
	ts->interp->id = old->id;
	ts->interp->feature_flags = old->features;
	ts->interp->ceval.own_gil = old->own_gil;
	_PyRuntime.interpreters.head = old->head;
	_PyRuntime.interpreters.main = old->interp;
	_PyRuntime.gilstate.autoInterpreterState = old->gilstate;
	_PyRuntime.main_tstate = old->tstate;
}

void
cpython_adopt(PyThreadState *ts)
{
	ts->native_thread_id = gettid();
	if (_PyRuntime.interpreters.main != ts->interp) {
		ts->interp->next = _PyRuntime.interpreters.head;
		_PyRuntime.interpreters.head = ts->interp;
		_PyRuntime.gilstate.autoInterpreterState = ts->interp;
		/* Made to be promoted it has the right, which is fatal to the
		 * forked process where it is not the main one. */
		ts->interp->feature_flags &= ~Py_RTFLAGS_FORK;
	}
	if (_PyInterpreterState_SetRunningMain(ts->interp) == -1)
		PyErr_Clear();
}

static void
run_hooks(PyObject *hooks, bool reverse)
{
	Py_ssize_t n;

	if (hooks == NULL)
		return;
	n = PyList_GET_SIZE(hooks);
	for (Py_ssize_t i = 0; i < n; i++) {
		PyObject *hook = PyList_GET_ITEM(hooks,
		    reverse ? n - 1 - i : i);
		PyObject *r = PyObject_CallNoArgs(hook);

		if (r == NULL)
			PyErr_WriteUnraisable(hook);
		Py_XDECREF(r);
	}
}

void
cpython_hooks_before(PyThreadState *ts)
{
	/* The last registered first, as PyOS_BeforeFork does. */
	run_hooks(ts->interp->before_forkers, true);
}

void
cpython_hooks_child(PyThreadState *ts)
{
	run_hooks(ts->interp->after_forkers_child, false);
}

int
cpython_allow_all_extensions(struct err *e)
{
	PyObject *imp = PyImport_ImportModule("_imp"), *r = NULL;

	if (imp != NULL)
		r = PyObject_CallMethod(imp,
		    "_override_multi_interp_extensions_check", "i", -1);
	Py_XDECREF(imp);
	if (r == NULL) {
		PyErr_Clear();
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "the check of extension modules cannot be overridden");
	}
	Py_DECREF(r);
	return 0;
}

void
cpython_immortal(PyObject *op)
{
	if (!PyUnicode_CheckExact(op))
		/* And stays tracked, which a program can ask. */
		_Py_SetImmortalUntracked(op);
	else if (PyUnicode_CHECK_INTERNED(op))
		_PyUnicode_InternImmortal(PyInterpreterState_Get(), &op);
}

/*
 * LOAD_CONST becomes, when it is first run, one of two that go by whether the
 * constant is immortal.  The one for others counts all the same, and where its
 * reference is then given up elsewhere, which doesn't count, the counts add up
 * to an end after all.
 */
void
cpython_settle_constants(PyCodeObject *code)
{
	_Py_CODEUNIT *c = _PyCode_CODE(code);
	unsigned arg = 0;

	for (Py_ssize_t i = 0; i < Py_SIZE(code); i++) {
		uint8_t op = c[i].op.code;

		arg = arg << 8 | c[i].op.arg;
		if (op == EXTENDED_ARG)
			continue;
		if (op == LOAD_CONST_MORTAL &&
		    _Py_IsImmortal(PyTuple_GET_ITEM(code->co_consts, arg)))
			c[i].op.code = LOAD_CONST_IMMORTAL;
		arg = 0;
		i += _PyOpcode_Caches[_PyOpcode_Deopt[op]];
	}
}

void
cpython_immortal_constant(PyObject *op)
{
	Py_INCREF(op); /* it may give another one for it */
	_PyUnicode_InternImmortal(PyInterpreterState_Get(), &op);
}

/* Until no pool of that class has a free block.  false: what is asked for comes
 * from elsewhere. */
static bool
fill_class(struct _obmalloc_state *st, int class)
{
	for (;;) {
		poolp pool = st->pools.used[2 * class];
		void *p;

		/* The list's head, its own successor: there is none. */
		if (pool->nextpool == pool)
			return true;
		p = PyObject_Malloc(INDEX2SIZE(class));
		if (p == NULL || POOL_ADDR(p) != pool) {
			PyObject_Free(p);
			return false;
		}
	}
}

void
cpython_fill_pools(void)
{
	struct _obmalloc_state *st = PyInterpreterState_Get()->obmalloc;
	const size_t largest = INDEX2SIZE(NB_SMALL_SIZE_CLASSES - 1);

	for (int class = 0; class < NB_SMALL_SIZE_CLASSES; class++)
		if (!fill_class(st, class))
			return;
	/* And the pools that are free; then one that is a new arena's, which
	 * stays by that. */
	while (st->mgmt.usable_arenas != NULL)
		if (PyObject_Malloc(largest) == NULL)
			return;
	(void)PyObject_Malloc(largest);
}

static_assert(offsetof(_PyInterpreterFrame, localsplus) <= CPYTHON_FRAME_BYTES);

void
cpython_frame(const void *bytes, struct cpython_frame *out)
{
	_PyInterpreterFrame f;

	memcpy(&f, bytes, offsetof(_PyInterpreterFrame, localsplus));
	out->previous = (uintptr_t)f.previous;
	out->at = (uintptr_t)f.instr_ptr;
	/* Py_TAG_BITS is 1; those of the interpreter and of C are between two
	 * calls and run nothing. */
	out->code = f.owner < FRAME_OWNED_BY_INTERPRETER ?
	    f.f_executable.bits & ~(uintptr_t)1 :
	    0;
}

uintptr_t
cpython_threads_at(PyInterpreterState *interp)
{
	return (uintptr_t)&interp->threads.head;
}

unsigned
cpython_threads(PyThreadState *ts)
{
	unsigned n = 0;

	for (PyThreadState *t = PyInterpreterState_ThreadHead(ts->interp);
	    t != NULL; t = PyThreadState_Next(t))
		n++;
	return n;
}
