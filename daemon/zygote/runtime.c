#include "daemon/zygote/runtime.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/zygote/wset.h"

struct runtime_ops runtime_ops;

static const char runs_source[] = {
#embed "runs.py" suffix(, '\0')
};
static const char ahead_source[] = {
#embed "ahead.py" suffix(, '\0')
};
static const char look_source[] = {
#embed "look.py" suffix(, '\0')
};
static const char refusals_source[] = {
#embed "refusals.py" suffix(, '\0')
};
static const char exceptions_source[] = {
#embed "exceptions.py" suffix(, '\0')
};
static const char stdio_source[] = {
#embed "stdio.py" suffix(, '\0')
};
static const char remains_source[] = {
#embed "remains.py" suffix(, '\0')
};
static const char unique_source[] = {
#embed "unique.py" suffix(, '\0')
};
static const char canary_source[] = {
#embed "canary.py" suffix(, '\0')
};
static const char program_source[] = {
#embed "program.py" suffix(, '\0')
};
static const char runtime_source[] = {
#embed "runtime.py" suffix(, '\0')
};

static PyObject *
loading(PyObject *, PyObject *arg)
{
	const char *s = PyUnicode_AsUTF8(arg);

	if (s == NULL)
		return NULL;
	runtime_ops.loading(s);
	Py_RETURN_NONE;
}

static PyObject *
loaded(PyObject *, PyObject *arg)
{
	const char *s = PyUnicode_AsUTF8(arg);

	if (s == NULL)
		return NULL;
	return PyBool_FromLong(runtime_ops.loaded(s));
}

/* Three texts, made fit for UTF-8: an exception's may hold surrogates. */
static PyObject *
tell(PyObject *args, void (*op)(const char *, const char *, const char *))
{
	PyObject *text[3], *bytes[3] = { NULL, NULL, NULL };
	bool ok;

	if (!PyArg_ParseTuple(args, "UUU", &text[0], &text[1], &text[2]))
		return NULL;
	for (int i = 0; i < 3; i++)
		bytes[i] = PyUnicode_AsEncodedString(text[i], "utf-8",
		    "backslashreplace");
	ok = bytes[0] != NULL && bytes[1] != NULL && bytes[2] != NULL;
	if (ok)
		op(PyBytes_AS_STRING(bytes[0]), PyBytes_AS_STRING(bytes[1]),
		    PyBytes_AS_STRING(bytes[2]));
	for (int i = 0; i < 3; i++)
		Py_XDECREF(bytes[i]);
	if (!ok)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *
failed(PyObject *, PyObject *args)
{
	return tell(args, runtime_ops.failed);
}

static PyObject *
raised(PyObject *, PyObject *args)
{
	return tell(args, runtime_ops.raised);
}

static PyObject *
returned(PyObject *, PyObject *result)
{
	runtime_ops.returned(result);
	Py_RETURN_NONE;
}

static PyObject *
ready(PyObject *, PyObject *value)
{
	struct err e;
	/* While a template is made there is no child. */
	int r = runtime_ops.ready != NULL ? runtime_ops.ready(value, &e) : 0;

	if (r != -1)
		return PyBool_FromLong(r);
	PyErr_SetString(e.code == ERR_INVALID_PARAMS ? PyExc_ValueError :
						       PyExc_RuntimeError,
	    e.msg);
	return NULL;
}

static PyObject *
await_job(PyObject *, PyObject *)
{
	return runtime_ops.await_job();
}

/* (cancel, ping, dump): see struct control_asked. */
static PyObject *
take_control(PyObject *, PyObject *)
{
	const struct control_asked a = runtime_ops.control_take();

	return Py_BuildValue("(NKK)", PyBool_FromLong(a.cancel),
	    (unsigned long long)a.ping, (unsigned long long)a.dump);
}

static PyObject *
pong(PyObject *, PyObject *number)
{
	unsigned long long n = PyLong_AsUnsignedLongLong(number);

	if (PyErr_Occurred())
		return NULL;
	runtime_ops.answer(n, NULL);
	Py_RETURN_NONE;
}

static PyObject *
looked(PyObject *, PyObject *args)
{
	unsigned long long number;
	PyObject *look;

	if (!PyArg_ParseTuple(args, "KO", &number, &look))
		return NULL;
	runtime_ops.answer(number, look);
	Py_RETURN_NONE;
}

static PyObject *
drop_control(PyObject *, PyObject *)
{
	runtime_ops.control_drop();
	Py_RETURN_NONE;
}

/* Sets LC_CTYPE from the environment as python does when it starts, the C locale
 * coerced (PEP 538), and returns its name. */
static PyObject *
adopt_locale(PyObject *, PyObject *)
{
	static const char *const utf8[] = { "C.UTF-8", "C.utf8", "UTF-8" };
	const char *name = setlocale(LC_CTYPE, "");
	const char *all = getenv("LC_ALL");

	if (name == NULL)
		name = setlocale(LC_CTYPE, "C");
	if (strcmp(name, "C") != 0 || (all != NULL && all[0] != '\0'))
		return PyUnicode_FromString(name);
	for (size_t i = 0; i < sizeof(utf8) / sizeof(*utf8); i++)
		if (setlocale(LC_CTYPE, utf8[i]) != NULL) {
			setenv("LC_CTYPE", utf8[i], 1);
			return PyUnicode_FromString(utf8[i]);
		}
	return PyUnicode_FromString("C");
}

/* The C library's environment, which os.environ is a copy of.  None: not there. */
static PyObject *
get_env(PyObject *, PyObject *name)
{
	const char *s = PyBytes_AsString(name);

	if (s == NULL)
		return NULL;
	s = getenv(s);
	if (s == NULL)
		Py_RETURN_NONE;
	return PyBytes_FromString(s);
}

static PyObject *
learn_pages(PyObject *, PyObject *)
{
	wset_learn();
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{ "_loading", loading, METH_O, NULL },
	{ "_loaded", loaded, METH_O, NULL },
	{ "_failed", failed, METH_VARARGS, NULL },
	{ "_raised", raised, METH_VARARGS, NULL },
	{ "_returned", returned, METH_O, NULL },
	{ "_adopt_locale", adopt_locale, METH_NOARGS, NULL },
	{ "_getenv", get_env, METH_O, NULL },
	{ "_ready", ready, METH_O, NULL },
	{ "_pong", pong, METH_O, NULL },
	{ "_looked", looked, METH_VARARGS, NULL },
	{ "_learn_pages", learn_pages, METH_NOARGS, NULL },
	{ "_await_job", await_job, METH_O, NULL },
	{ "_control_take", take_control, METH_NOARGS, NULL },
	{ "_control_drop", drop_control, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

int
runtime_exception(struct err *e, const char *what)
{
	PyObject *exc = PyErr_GetRaisedException(), *text;
	const char *s = NULL;

	text = exc != NULL ? PyObject_Str(exc) : NULL;
	if (text != NULL)
		s = PyUnicode_AsUTF8(text);
	err_set(e, ERR_INTERNAL, "%s: %s: %s", what,
	    exc != NULL ? Py_TYPE(exc)->tp_name : "no exception",
	    s != NULL ? s : "?");
	PyErr_Clear();
	Py_XDECREF(text);
	Py_XDECREF(exc);
	return -1;
}

/* Runs SOURCE as the module NAME.  In sys.modules before it runs, as import has
 * it.  A new reference, or NULL with an exception set. */
static PyObject *
run_module(const char *name, const char *file, const char *source,
    PyMethodDef *functions)
{
	PyObject *mod = PyModule_New(name), *dict, *code, *r = NULL;

	if (mod == NULL)
		return NULL;
	dict = PyModule_GetDict(mod);
	if ((functions != NULL &&
		PyModule_AddFunctions(mod, functions) == -1) ||
	    PyDict_SetItemString(dict, "__builtins__", PyEval_GetBuiltins()) ==
		-1 ||
	    PyDict_SetItemString(PyImport_GetModuleDict(), name, mod) == -1) {
		Py_DECREF(mod);
		return NULL;
	}
	code = Py_CompileString(source, file, Py_file_input);
	if (code != NULL)
		r = PyEval_EvalCode(code, dict, dict);
	Py_XDECREF(code);
	if (r == NULL)
		Py_CLEAR(mod);
	Py_XDECREF(r);
	return mod;
}

PyObject *
runtime_new(struct err *e)
{
	/* Each imports those before it. */
	static const struct {
		const char *name, *file, *source;
		PyMethodDef *functions;
	} modules[] = {
		{ "_forkserverd_ahead", "<forkserverd/ahead.py>", ahead_source,
		    NULL },
		{ "_forkserverd_runs", "<forkserverd/runs.py>", runs_source,
		    NULL },
		{ "_forkserverd_look", "<forkserverd/look.py>", look_source,
		    NULL },
		{ "_forkserverd_refusals", "<forkserverd/refusals.py>",
		    refusals_source, NULL },
		{ "_forkserverd_exceptions", "<forkserverd/exceptions.py>",
		    exceptions_source, NULL },
		{ "_forkserverd_stdio", "<forkserverd/stdio.py>", stdio_source,
		    NULL },
		{ "_forkserverd_remains", "<forkserverd/remains.py>",
		    remains_source, NULL },
		{ "_forkserverd_unique", "<forkserverd/unique.py>",
		    unique_source, NULL },
		{ "_forkserverd_canary", "<forkserverd/canary.py>",
		    canary_source, NULL },
		{ "_forkserverd_program", "<forkserverd/program.py>",
		    program_source, NULL },
		{ "_forkserverd", "<forkserverd/runtime.py>", runtime_source,
		    methods },
	};
	PyObject *mod = NULL;

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		Py_XDECREF(mod);
		mod = run_module(modules[i].name, modules[i].file,
		    modules[i].source, modules[i].functions);
		if (mod == NULL) {
			runtime_exception(e, "make the modules of a template");
			return NULL;
		}
	}
	return mod;
}

PyObject *
runtime_call(PyObject *runtime, struct err *e, const char *fn, const char *fmt,
    ...)
{
	PyObject *f = PyObject_GetAttrString(runtime, fn), *args = NULL;
	PyObject *r = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (f != NULL)
		args = Py_VaBuildValue(fmt, ap);
	va_end(ap);
	if (args != NULL)
		r = PyObject_CallObject(f, args);
	if (r == NULL)
		runtime_exception(e, fn);
	Py_XDECREF(args);
	Py_XDECREF(f);
	return r;
}
