#include "daemon/zygote/interp.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/zygote/runtime.h"

#ifndef FORKSERVERD_PYTHON
#ifdef Py_DEBUG
#define FORKSERVERD_PYTHON "/usr/bin/python3.14-dbg"
#else
#define FORKSERVERD_PYTHON "/usr/bin/python3.14"
#endif
#endif

void
interp_clean_env(void)
{
	char **env = environ;

	while (*env != NULL) {
		char *equals = strchr(*env, '=');
		char name[64];

		if (strncmp(*env, "PYTHON", 6) == 0 && equals != NULL &&
		    (size_t)(equals - *env) < sizeof(name)) {
			memcpy(name, *env, equals - *env);
			name[equals - *env] = '\0';
			unsetenv(name);
			env = environ;
		} else {
			env++;
		}
	}
}

int
interp_check_version(struct err *e)
{
	if (Py_Version >> 16 == PY_VERSION_HEX >> 16)
		return 0;
	return err_set(e, ERR_TEMPLATE_FAILED,
	    "forkserverd needs CPython %d.%d: libpython is %lu.%lu%s",
	    PY_MAJOR_VERSION, PY_MINOR_VERSION, Py_Version >> 24,
	    Py_Version >> 16 & 0xff,
	    Py_Version < 0x030e0000 ? ", which has no concurrent.interpreters" :
				      "");
}

static int
failed(PyStatus status, const char *step, struct err *e)
{
	if (!PyStatus_Exception(status))
		return 0;
	return err_set(e, ERR_TEMPLATE_FAILED, "start python: %s: %s: %s", step,
	    status.func != NULL ? status.func : "?",
	    status.err_msg != NULL ? status.err_msg : "it asked to exit");
}

static int
preinit(struct err *e)
{
	PyPreConfig pre;

	/* The locale's encoding, and UTF-8 where the locale is C, as it is for
	 * a system service. */
	PyPreConfig_InitPythonConfig(&pre);
	pre.coerce_c_locale = 1;
	return failed(Py_PreInitialize(&pre), "pre-configuration", e);
}

/* The executable of VENV in PATH (of N bytes), which must be this Python's. */
static int
find_venv(const char *venv, char *path, size_t n, struct err *e)
{
	static const char *const parts[] = { "pyvenv.cfg", "lib/python3.14",
		"bin/python" };

	if (venv[0] != '/')
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "venv \"%s\": expected an absolute path", venv);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		snprintf(path, n, "%s/%s", venv, parts[i]);
		if (access(path, F_OK) == -1) {
			err_sys(e, errno, "venv \"%s\": \"%s\"", venv,
			    parts[i]);
			e->code = ERR_TEMPLATE_FAILED;
			return -1;
		}
	}
	return 0;
}

/* The paths derive from the executable's name; a virtual environment's own
 * configuration tells the base. */
static PyStatus
configure(PyConfig *c, const char *python, bool base)
{
	PyStatus s = PyConfig_SetBytesString(c, &c->program_name, python);

	if (!PyStatus_Exception(s))
		s = PyConfig_SetBytesString(c, &c->executable, python);
	if (!PyStatus_Exception(s) && base)
		s = PyConfig_SetBytesString(c, &c->base_executable, python);
	c->install_signal_handlers = 0;
	c->parse_argv = 0;
	c->site_import = 0;
	return s;
}

PyThreadState *
interp_start(const char *venv, struct err *e)
{
	char python[PATH_MAX] = FORKSERVERD_PYTHON;
	PyConfig config;
	PyObject *sig;
	int r;

	if (interp_check_version(e) == -1)
		return NULL;
	if (access(FORKSERVERD_PYTHON, X_OK) == -1) {
		err_sys(e, errno, "start python: \"%s\"", FORKSERVERD_PYTHON);
		return NULL;
	}
	if (venv != NULL && find_venv(venv, python, sizeof(python), e) == -1)
		return NULL;
	if (preinit(e) == -1)
		return NULL;
	PyConfig_InitPythonConfig(&config);
	r = failed(configure(&config, python, venv == NULL), "configuration",
	    e);
	if (r == 0)
		r = failed(Py_InitializeFromConfig(&config), "initialisation",
		    e);
	PyConfig_Clear(&config);
	if (r == -1)
		return NULL;
	/* Once in the main interpreter, or signal.getsignal answers None in
	 * the others.  It installs a handler for SIGINT. */
	sig = PyImport_ImportModule("_signal");
	PyErr_Clear();
	Py_XDECREF(sig);
	PyOS_setsig(SIGINT, SIG_DFL);
	return PyThreadState_Get();
}

int
interp_site(char **path, struct err *e)
{
	PyObject *site = PyImport_ImportModule("site"), *r = NULL;
	PyObject *list = PySys_GetObject("path"), *dir;
	int failed = 0;

	if (site != NULL)
		r = PyObject_CallMethod(site, "main", NULL);
	Py_XDECREF(site);
	for (Py_ssize_t i = 0; r != NULL && path[i] != NULL && !failed; i++) {
		dir = PyUnicode_DecodeFSDefault(path[i]);
		failed = dir == NULL || PyList_Insert(list, i, dir) == -1;
		Py_XDECREF(dir);
	}
	if (r == NULL || failed) {
		Py_XDECREF(r);
		return runtime_exception(e, "import site");
	}
	Py_DECREF(r);
	return 0;
}
