#include "daemon/zygote/surround.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/zygote/control.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/value.h"

static PyObject *known; /* os.environ's own dict of bytes, or NULL */

int
surround_know(PyObject *runtime, struct err *e)
{
	PyObject *d = runtime_call(runtime, e, "environ", "()");

	if (d == NULL)
		return -1;
	Py_XSETREF(known, PyDict_CheckExact(d) ? Py_NewRef(d) : NULL);
	Py_DECREF(d);
	return 0;
}

/* What C has put into the environment, without a look at all of it. */
static int
point_back(void)
{
	static const char *const names[] = { "FORKSERVER_SOCKET",
		"FORKSERVER_PARENT", "NOTIFY_SOCKET" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);
		PyObject *k = PyBytes_FromString(names[i]), *v = NULL;
		int r = -1;

		if (value != NULL)
			v = PyBytes_FromString(value);
		if (k != NULL && value != NULL && v != NULL)
			r = PyDict_SetItem(known, k, v);
		else if (k != NULL && value == NULL)
			r = PyDict_Pop(known, k, NULL) == -1 ? -1 : 0;
		Py_XDECREF(k);
		Py_XDECREF(v);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* Whether standard output is buffered as what is there now asks for. */
static bool
is_buffered(void)
{
	PyObject *out = PySys_GetObject("stdout"), *r = NULL;
	bool line;

	if (out != NULL && getenv("PYTHONUNBUFFERED") == NULL)
		r = PyObject_GetAttrString(out, "line_buffering");
	PyErr_Clear();
	line = r == Py_True;
	Py_XDECREF(r);
	return r != NULL && line == (isatty(1) == 1);
}

/* 1, 0: it is not for us, or -1 with an exception set. */
static int
quickly(PyObject *argv, PyObject *path)
{
	PyObject *sys_argv = PySys_GetObject("argv");
	PyObject *sys_path = PySys_GetObject("path");

	/* A preload may have left anything. */
	if (known == NULL || sys_argv == NULL || !PyList_CheckExact(sys_argv) ||
	    PyList_GET_SIZE(sys_argv) == 0 || sys_path == NULL ||
	    !PyList_CheckExact(sys_path) || !is_buffered())
		return 0;
	if (PyList_SetSlice(sys_argv, 1, PY_SSIZE_T_MAX, argv) == -1 ||
	    PyList_SetSlice(sys_path, 0, 0, path) == -1)
		return -1;
	return point_back() == -1 ? -1 : 1;
}

static int
surround(PyObject *runtime, const struct spawn *s, PyObject *argv,
    PyObject *path, struct err *e)
{
	int done = s->env == NULL ? quickly(argv, path) : 0;
	PyObject *r;

	if (done == -1)
		return runtime_exception(e, "surround the job");
	if (done == 1)
		return 0;
	r = runtime_call(runtime, e, "surround", "(iOO)", s->env != NULL, argv,
	    path);
	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}

int
surround_job(PyObject *runtime, const struct spawn *s, bool promoted,
    struct err *e)
{
	PyObject *argv = value_text_list(s->argv);
	PyObject *path = value_text_list(s->path), *r;
	int failed = -1;

	if (argv == NULL || path == NULL) {
		runtime_exception(e, "read the job");
		e->code = ERR_INVALID_PARAMS;
	} else {
		failed = surround(runtime, s, argv, path, e);
	}
	Py_XDECREF(argv);
	Py_XDECREF(path);
	if (failed == -1)
		return -1;
	runtime_ops.control_arm();
	if (!promoted || !control_has_asked())
		return 0;
	/* A cancel has come before. */
	r = runtime_call(runtime, e, "_on_control", "(OO)", Py_None, Py_None);
	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}
