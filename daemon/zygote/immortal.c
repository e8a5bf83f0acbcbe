#include "daemon/zygote/immortal.h"

#include <Python.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/zygote/cpython.h"

#define PASSES 4 /* what keeps others is fit once they are immortal */
#define DEPTH 32 /* of tuples in tuples, of code in code */

struct walk {
	PyObject **tracked; /* what the collector knows; borrowed */
	size_t n, room;
	int depth;
};

/* --- which --------------------------------------------------------------- */

/* Somebody may wait for its end. */
static bool
watched(PyObject *op)
{
	Py_ssize_t at = Py_TYPE(op)->tp_weaklistoffset;

	/* Each type has weak references, its bases', and none ends: they are
	 * cycles, and frozen.  Code has its function's end, and trio keeps a
	 * table of much of it. */
	return !PyType_Check(op) && !PyCode_Check(op) && at > 0 &&
	    *(PyObject **)((char *)op + at) != NULL;
}

/* An instance whose own end nobody sees; that of what it keeps, perhaps. */
static bool
ends_unseen(PyObject *op)
{
	PyTypeObject *t = Py_TYPE(op);

	return (t->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 &&
	    PyType_GetSlot(t, Py_tp_finalize) == NULL &&
	    PyType_GetSlot(t, Py_tp_del) == NULL && !watched(op);
}

static void
make(PyObject *op)
{
	if (!PyUnstable_IsImmortal(op) && !watched(op))
		cpython_immortal(op);
}

static int
is_mortal(PyObject *op, void *)
{
	return !PyUnstable_IsImmortal(op);
}

static bool
holds_immortals_only(PyObject *op)
{
	return Py_TYPE(op)->tp_traverse(op, is_mortal, NULL) == 0;
}

/* Without references of its own. */
static bool
is_leaf(PyObject *op)
{
	return PyUnicode_CheckExact(op) || PyBytes_CheckExact(op) ||
	    PyLong_CheckExact(op) || PyFloat_CheckExact(op) ||
	    PyComplex_CheckExact(op);
}

/* A container whose content is what it was made with. */
static bool
is_constant(PyObject *op)
{
	return PyTuple_CheckExact(op) || PyFrozenSet_CheckExact(op);
}

static bool
is_harmless(PyObject *op)
{
	return PyUnstable_IsImmortal(op) || ends_unseen(op);
}

static bool
values_are_harmless(PyObject *dict)
{
	PyObject *value;
	Py_ssize_t at = 0;

	while (dict != NULL && PyDict_Next(dict, &at, NULL, &value))
		if (!is_harmless(value))
			return false;
	return true;
}

static bool
items_are_harmless(PyObject *tuple)
{
	for (Py_ssize_t i = 0; tuple != NULL && i < PyTuple_GET_SIZE(tuple);
	    i++)
		if (!is_harmless(PyTuple_GET_ITEM(tuple, i)))
			return false;
	return true;
}

/* Its module's dict is a cycle with it, and frozen. */
static bool
is_done_function(PyObject *op)
{
	PyFunctionObject *f = (PyFunctionObject *)op;

	return (f->func_closure == NULL ||
		   PyUnstable_IsImmortal(f->func_closure)) &&
	    items_are_harmless(f->func_defaults) &&
	    values_are_harmless(f->func_kwdefaults) &&
	    values_are_harmless(f->func_dict);
}

/* A function of its own keeps what is in it.  One written in C is left: programs
 * ask gc.is_tracked about some, and after gc.unfreeze the collector no longer
 * tracks an immortal. */
static bool
is_kept_module(PyObject *op)
{
	PyObject *dict = PyModule_GetDict(op), *value;
	Py_ssize_t at = 0;

	while (PyDict_Next(dict, &at, NULL, &value))
		if (PyFunction_Check(value) &&
		    PyFunction_GET_GLOBALS(value) == dict)
			return true;
	return false;
}

/* Without what it keeps, or keeping immortals only. */
static bool
is_fit(PyObject *op)
{
	static PyTypeObject *const bare[] = { &PyMethodDescr_Type,
		&PyWrapperDescr_Type, &PyGetSetDescr_Type, &PyMemberDescr_Type,
		&PyClassMethodDescr_Type };
	static PyTypeObject *const keepers[] = { &PyProperty_Type,
		&PyClassMethod_Type, &PyStaticMethod_Type, &PyContextVar_Type,
		&PyCell_Type, &PyTuple_Type, &PyFrozenSet_Type, &PySlice_Type };
	PyObject *of;

	if (PyType_Check(op))
		return true;
	if (PyFunction_Check(op))
		return is_done_function(op);
	if (PyModule_CheckExact(op))
		return is_kept_module(op);
	if (PyCFunction_CheckExact(op)) {
		/* Not a method that keeps an object. */
		of = PyCFunction_GET_SELF(op);
		return of == NULL || PyModule_CheckExact(of) ||
		    PyType_Check(of);
	}
	for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++)
		if (Py_IS_TYPE(op, bare[i]))
			return true;
	for (size_t i = 0; i < sizeof(keepers) / sizeof(*keepers); i++)
		if (Py_IS_TYPE(op, keepers[i]))
			return holds_immortals_only(op);
	return false;
}

/* --- where --------------------------------------------------------------- */

static int reach(PyObject *op, void *arg);

/* Strings that no name is are not interned by themselves. */
static void
intern_constants(PyObject *consts)
{
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++)
		if (PyUnicode_CheckExact(PyTuple_GET_ITEM(consts, i)))
			cpython_immortal_constant(PyTuple_GET_ITEM(consts, i));
}

/* The collector does not know code. */
static void
reach_code(PyCodeObject *c, struct walk *w)
{
	PyObject *const parts[] = { c->co_consts, c->co_names,
		c->co_exceptiontable, c->co_localsplusnames,
		c->co_localspluskinds, c->co_filename, c->co_name,
		c->co_qualname, c->co_linetable };

	intern_constants(c->co_consts);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		reach(parts[i], w);
	cpython_settle_constants(c);
}

static void
reach_items(PyObject *dict, struct walk *w)
{
	PyObject *key, *value;
	Py_ssize_t at = 0;

	while (PyDict_Next(dict, &at, &key, &value)) {
		reach(key, w);
		reach(value, w);
	}
}

/* OP, of a tracked object, and what is below it and not tracked. */
static int
reach(PyObject *op, void *arg)
{
	struct walk *w = arg;

	if (op == NULL || PyUnstable_IsImmortal(op) || w->depth == DEPTH)
		return 0;
	w->depth++;
	if (is_leaf(op)) {
		make(op);
	} else if (PyCode_Check(op)) {
		reach_code((PyCodeObject *)op, w);
		make(op);
	} else if (is_constant(op) && !PyObject_GC_IsTracked(op)) {
		Py_TYPE(op)->tp_traverse(op, reach, w);
		if (holds_immortals_only(op))
			make(op);
	} else if (PyDict_CheckExact(op) && !PyObject_GC_IsTracked(op)) {
		reach_items(op, w);
	}
	w->depth--;
	return 0;
}

static int
list(PyObject *op, void *arg)
{
	struct walk *w = arg;

	if (w->n == w->room) {
		size_t room = w->room != 0 ? w->room * 2 : 1 << 15;
		void *p = reallocarray(w->tracked, room, sizeof(*w->tracked));

		if (p == NULL) {
			w->room = 0;
			return 0;
		}
		w->tracked = p;
		w->room = room;
	}
	w->tracked[w->n++] = op;
	return 1;
}

/* What a class has of itself, as the members of an enumeration, ends with it. */
static void
make_members(PyObject *type)
{
	PyObject *dict = PyType_GetDict((PyTypeObject *)type), *value;
	Py_ssize_t at = 0;

	while (PyDict_Next(dict, &at, NULL, &value))
		if (Py_IS_TYPE(value, (PyTypeObject *)type) &&
		    ends_unseen(value))
			make(value);
	Py_DECREF(dict);
}

static void
make_fit(PyObject *op)
{
	if (!is_fit(op))
		return;
	make(op);
	if (PyType_Check(op))
		make_members(op);
	else if (PyModule_CheckExact(op) && PyUnstable_IsImmortal(op))
		make(PyModule_GetDict(op));
}

int
immortal_make(struct err *e)
{
	struct walk w = { 0 };

	PyUnstable_GC_VisitObjects(list, &w);
	for (size_t i = 0; i < w.n; i++) {
		PyObject *op = w.tracked[i];

		/* A dict's own traversal passes over its keys. */
		if (PyDict_Check(op))
			reach_items(op, &w);
		Py_TYPE(op)->tp_traverse(op, reach, &w);
	}
	for (int pass = 0; pass < PASSES; pass++)
		for (size_t i = 0; i < w.n; i++)
			if (!PyUnstable_IsImmortal(w.tracked[i]))
				make_fit(w.tracked[i]);
	free(w.tracked);
	if (w.room == 0)
		return err_sys(e, ENOMEM, "list the objects of a template");
	return 0;
}
