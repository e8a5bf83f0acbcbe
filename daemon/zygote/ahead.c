#include "daemon/zygote/ahead.h"

#include <string.h>

#include "daemon/zygote/job.h"
#include "daemon/zygote/value.h"

/* See _forkserverd_ahead.run(). */
static struct {
	PyObject *enter, *current_task;
	PyObject *on_term; /* has SIGTERM cancel the run; None: it cannot */
} told;

static PyObject *task;  /* the main task */
static PyObject *named; /* the function that gives it its name */

PyObject *
ahead_take(PyObject *t)
{
	if (!PyArg_ParseTuple(t, "OOO", &told.enter, &told.current_task,
		&told.on_term)) {
		PyErr_Clear();
		return NULL;
	}
	return told.enter;
}

int
ahead_enter(void)
{
	task = PyObject_CallNoArgs(told.current_task);
	return task != NULL ? 0 : -1;
}

/* What DICT has under N bytes of text at P, borrowed. */
static PyObject *
entry(PyObject *dict, const void *p, size_t n)
{
	PyObject *key = PyUnicode_DecodeUTF8(p, n, NULL), *value = NULL;

	if (key != NULL)
		value = PyDict_GetItemWithError(dict, key);
	Py_XDECREF(key);
	PyErr_Clear();
	return value;
}

static bool
is_plain_coroutine_function(PyObject *fn)
{
	const PyFunctionObject *f = (PyFunctionObject *)fn;
	const PyCodeObject *code;

	/* What has attributes may be what inspect.markcoroutinefunction has
	 * made, or a wrapper of another. */
	if (!Py_IS_TYPE(fn, &PyFunction_Type) ||
	    (f->func_dict != NULL && PyDict_GET_SIZE(f->func_dict) > 0))
		return false;
	code = (PyCodeObject *)f->func_code;
	return (code->co_flags & CO_COROUTINE) != 0;
}

static PyObject *
find(const struct spawn *s)
{
	const char *p = s->target.p;
	const char *colon = memchr(p, ':', s->target.n);
	PyObject *found;

	if (s->entry != SPAWN_CALL || colon == NULL)
		return NULL;
	found = entry(PyImport_GetModuleDict(), p, colon - p);
	if (found == NULL || !PyModule_CheckExact(found))
		return NULL;
	found = entry(PyModule_GetDict(found), colon + 1,
	    p + s->target.n - (colon + 1));
	return found != NULL && is_plain_coroutine_function(found) ? found :
								     NULL;
}

bool
ahead_is_for(const struct spawn *s)
{
	return find(s) != NULL;
}

PyObject *
ahead_coroutine(const struct spawn *s)
{
	PyObject *fn = find(s), *args = NULL, *tuple = NULL, *made = NULL;

	if (fn != NULL)
		args = job_args(s);
	if (args != NULL)
		tuple = PyList_AsTuple(PyTuple_GET_ITEM(args, 0));
	if (tuple != NULL)
		made = PyObject_Call(fn, tuple, PyTuple_GET_ITEM(args, 1));
	/* What is wrong with the arguments is told on the other way. */
	PyErr_Clear();
	Py_XDECREF(tuple);
	Py_XDECREF(args);
	if (made != NULL)
		named = Py_NewRef(fn);
	return made;
}

/* Its name is as trio takes it from a function. */
static int
fill_task(PyObject *coroutine)
{
	const PyFunctionObject *f = (PyFunctionObject *)named;
	PyObject *module = f->func_module != NULL ? f->func_module : Py_None;
	PyObject *name = PyUnicode_FromFormat("%S.%S", module,
	    f->func_qualname);
	PyObject *r;
	int failed = name == NULL ||
	    PyObject_SetAttrString(task, "coro", coroutine) == -1 ||
	    PyObject_SetAttrString(task, "name", name) == -1;

	Py_XDECREF(name);
	if (failed || told.on_term == Py_None)
		return failed ? -1 : 0;
	r = PyObject_CallNoArgs(told.on_term);
	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}

int
ahead_name(const struct spawn *s, PyObject *coroutine)
{
	PyObject *target = value_text(s->target);
	PyObject *argv = PySys_GetObject("argv");
	int r = -1;

	if (target != NULL && argv != NULL &&
	    PySequence_SetItem(argv, 0, target) == 0)
		r = fill_task(coroutine);
	Py_XDECREF(target);
	return r;
}
