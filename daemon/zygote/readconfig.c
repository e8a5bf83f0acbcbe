#include "daemon/zygote/readconfig.h"

#include <Python.h>
#include <stdio.h>

#include "daemon/zygote/interp.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/value.h"
#include "proto/msg.h"

#define MAX_CONFIG (8 << 20) /* bytes, packed */

/* Dates become text; nothing else of TOML is unknown to MessagePack. */
static const char source[] =
    "import tomllib\n"
    "def plain(v):\n"
    "    if isinstance(v, dict):\n"
    "        return {k: plain(w) for k, w in v.items()}\n"
    "    if isinstance(v, list):\n"
    "        return [plain(w) for w in v]\n"
    "    return v if isinstance(v, (bool, int, float, str)) else str(v)\n"
    "def read(path):\n"
    "    with open(path, 'rb') as file:\n"
    "        return plain(tomllib.load(file))\n";

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
	msg_out_init(&o);
	if (value_pack(v, &o.pk, MAX_CONFIG, why, sizeof(why)) == -1) {
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
