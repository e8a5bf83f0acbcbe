#include "daemon/zygote/interp.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

const char *
interp_python(void)
{
	return FORKSERVERD_PYTHON;
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

/* The paths derive from the executable's name. */
static PyStatus
configure(PyConfig *c)
{
	PyStatus s = PyConfig_SetBytesString(c, &c->program_name,
	    FORKSERVERD_PYTHON);

	if (!PyStatus_Exception(s))
		s = PyConfig_SetBytesString(c, &c->executable,
		    FORKSERVERD_PYTHON);
	if (!PyStatus_Exception(s))
		s = PyConfig_SetBytesString(c, &c->base_executable,
		    FORKSERVERD_PYTHON);
	c->install_signal_handlers = 0;
	c->parse_argv = 0;
	return s;
}

PyThreadState *
interp_start(struct err *e)
{
	PyConfig config;
	PyObject *sig;
	int r;

	if (access(FORKSERVERD_PYTHON, X_OK) == -1) {
		err_sys(e, errno, "start python: \"%s\"", FORKSERVERD_PYTHON);
		return NULL;
	}
	if (preinit(e) == -1)
		return NULL;
	PyConfig_InitPythonConfig(&config);
	r = failed(configure(&config), "configuration", e);
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
