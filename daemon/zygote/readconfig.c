#include "daemon/zygote/readconfig.h"

#include <Python.h>
#include <stdio.h>

#include "daemon/zygote/interp.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/value.h"
#include "proto/msg.h"

#define MAX_CONFIG (8 << 20) /* bytes, packed */

static const char source[] = {
#embed "readconfig.py" suffix(, '\0')
};

/* What readconfig.py's read() returns. */
static PyObject *
load(const char *path)
{
	PyObject *dict = PyDict_New(), *code, *r = NULL, *v = NULL;

	if (dict == NULL ||
	    PyDict_SetItemString(dict, "__builtins__", PyEval_GetBuiltins()) ==
		-1)
		return NULL;
	code = Py_CompileString(source, "<read-config>", Py_file_input);
	if (code != NULL)
		r = PyEval_EvalCode(code, dict, dict);
	if (r != NULL)
		v = PyObject_CallFunction(PyDict_GetItemString(dict, "read"),
		    "N", PyUnicode_DecodeFSDefault(path));
	Py_XDECREF(r);
	Py_XDECREF(code);
	Py_DECREF(dict);
	return v;
}

static int
pack_both(PyObject *read, msgpack_packer *pk, char *why, size_t n)
{
	if (value_pack(PyTuple_GET_ITEM(read, 0), pk, MAX_CONFIG, why, n) == -1)
		return -1;
	return value_pack(PyTuple_GET_ITEM(read, 1), pk, MAX_CONFIG, why, n);
}

int
readconfig_main(const char *path)
{
	struct err e;
	struct msg_out o;
	PyObject *v;
	char why[256];

	interp_clean_env();
	if (interp_start(NULL, &e) == NULL) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	v = load(path);
	if (v == NULL) {
		runtime_exception(&e, path);
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	if (PyTuple_GET_ITEM(v, 2) != Py_None) {
		fprintf(stderr, "%s\n",
		    PyUnicode_AsUTF8(PyTuple_GET_ITEM(v, 2)));
		return 1;
	}
	msg_out_init(&o);
	if (pack_both(v, &o.pk, why, sizeof(why)) == -1) {
		fprintf(stderr, "%s: %s\n", path, why);
		return 1;
	}
	if (fwrite(o.buf.data, 1, o.buf.size, stdout) != o.buf.size ||
	    fflush(stdout) != 0) {
		perror("standard output");
		return 1;
	}
	return 0;
}
