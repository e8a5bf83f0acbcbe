#include "daemon/zygote/template.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/zygote/cpython.h"
#include "daemon/zygote/interp.h"
#include "daemon/zygote/runtime.h"

int
template_start(struct template *t, const struct conf *conf, struct err *e)
{
	struct err why;

	*t = (struct template){ .conf = conf };
	interp_clean_env();
	for (char **p = conf->env; *p != NULL; p++)
		if (putenv(*p) != 0)
			return err_sys(e, errno, "set the environment");
	t->main_ts = interp_start(e);
	if (t->main_ts == NULL)
		return -1;
	t->adoptable = cpython_check(&why) == 0;
	t->promote = t->adoptable && conf->promote;
	if (!t->adoptable)
		snprintf(t->reason, sizeof(t->reason), "%s", why.msg);
	else if (!conf->promote)
		snprintf(t->reason, sizeof(t->reason), "promote is false");
	return 0;
}

/* Rule 6 of CPYTHON.md: threads, daemon threads and exec, which trio needs, in
 * each mode; fork where the child is promoted, else it is fatal there. */
static PyThreadState *
create(const struct template *t, struct err *e)
{
	bool isolated = t->conf->mode == CONF_ISOLATED;
	const PyInterpreterConfig config = {
		.use_main_obmalloc = !isolated,
		.allow_fork = t->promote,
		.allow_exec = 1,
		.allow_threads = 1,
		.allow_daemon_threads = 1,
		.check_multi_interp_extensions = isolated,
		.gil = isolated ? PyInterpreterConfig_OWN_GIL :
				  PyInterpreterConfig_SHARED_GIL,
	};
	PyThreadState *ts = NULL;
	PyStatus s = Py_NewInterpreterFromConfig(&ts, &config);

	if (PyStatus_Exception(s) || ts == NULL)
		err_set(e, ERR_TEMPLATE_FAILED, "make a subinterpreter: %s",
		    s.err_msg != NULL ? s.err_msg : "no reason given");
	return ts;
}

static PyObject *
list_of(char **words)
{
	PyObject *list = PyList_New(0), *s;

	for (; list != NULL && *words != NULL; words++) {
		s = PyUnicode_DecodeFSDefault(*words);
		if (s == NULL || PyList_Append(list, s) == -1)
			Py_CLEAR(list);
		Py_XDECREF(s);
	}
	return list;
}

static char *
dup_str(PyObject *s)
{
	PyObject *b = PyUnicode_AsEncodedString(s, "utf-8", "backslashreplace");
	char *p = b != NULL ? strdup(PyBytes_AS_STRING(b)) : NULL;

	PyErr_Clear();
	Py_XDECREF(b);
	return p;
}

/* TIMES: [(module, ns), ...] */
static int
keep_times(struct template *t, PyObject *times, struct err *e)
{
	Py_ssize_t n = PyList_Size(times);

	t->imports = calloc(n + 1, sizeof(*t->imports));
	for (Py_ssize_t i = 0; t->imports != NULL && i < n; i++) {
		PyObject *pair = PyList_GET_ITEM(times, i);
		struct template_import *im = &t->imports[i];

		im->module = dup_str(PyTuple_GET_ITEM(pair, 0));
		im->ns = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(pair, 1));
		if (im->module == NULL)
			break;
		t->nimports++;
	}
	if (t->nimports < n)
		return err_set(e, ERR_SYSTEM, "no memory for import times");
	return 0;
}

/* FAULT: (module, message, traceback) */
static int
keep_fault(struct template *t, PyObject *fault, struct err *e)
{
	char *message = dup_str(PyTuple_GET_ITEM(fault, 1));

	t->failed_module = dup_str(PyTuple_GET_ITEM(fault, 0));
	t->traceback = dup_str(PyTuple_GET_ITEM(fault, 2));
	err_set(e, ERR_TEMPLATE_FAILED, "preload \"%s\": %s",
	    t->failed_module != NULL ? t->failed_module : "?",
	    message != NULL ? message : "?");
	free(message);
	return -1;
}

static int
preload(struct template *t, struct err *e)
{
	PyObject *modules = list_of(t->conf->preload);
	PyObject *path = list_of(t->conf->path), *r = NULL;
	int ret = -1;

	if (modules == NULL || path == NULL)
		runtime_exception(e, "read the preloads");
	else
		r = runtime_call(t->runtime, e, "preload", "(OO)", modules,
		    path);
	if (r != NULL && PyTuple_GET_ITEM(r, 0) != Py_None)
		ret = keep_fault(t, PyTuple_GET_ITEM(r, 0), e);
	else if (r != NULL)
		ret = keep_times(t, PyTuple_GET_ITEM(r, 1), e);
	Py_XDECREF(r);
	Py_XDECREF(path);
	Py_XDECREF(modules);
	return ret;
}

static int
call(struct template *t, const char *fn, struct err *e)
{
	PyObject *r = runtime_call(t->runtime, e, fn, "()");

	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}

static int
warm_up(struct template *t, struct err *e)
{
	t->runtime = runtime_new(e);
	if (t->runtime == NULL || preload(t, e) == -1)
		return -1;
	return call(t, "find_trio", e);
}

/* What is shared with the children stays shared: nothing moves after this. */
static int
freeze(struct template *t, const struct fds_kept *before, struct err *e)
{
	unsigned threads;

	if (call(t, "prime", e) == -1)
		return -1;
	threads = cpython_threads(t->ts);
	if (threads != 1)
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "the preloads left %u Python threads running", threads - 1);
	if (fds_audit(&t->kept, before, e) == -1)
		return -1;
	/* Once and for all: each child runs the hooks after them only. */
	cpython_hooks_before(t->ts);
	return call(t, "freeze", e);
}

int
template_make(struct template *t, bool stay, struct err *e)
{
	struct cpython_main old;
	struct fds_kept before = { .n = 0 };
	int r;

	if (!stay &&
	    (fds_audit(&before, NULL, e) == -1 || fds_reserve_low(e) == -1))
		return -1;
	t->ts = create(t, e);
	if (t->ts == NULL)
		return -1;
	if (t->adoptable)
		cpython_unlink(t->ts);
	r = 0;
	if (t->promote && t->conf->mode == CONF_ISOLATED)
		r = cpython_allow_all_extensions(e);
	if (t->promote)
		cpython_promote(t->ts, &old);
	if (r == 0)
		r = warm_up(t, e);
	if (r == 0 && !stay)
		r = freeze(t, &before, e);
	if (stay)
		return r;
	if (t->promote)
		cpython_demote(t->ts, &old);
	PyThreadState_Swap(t->main_ts);
	fds_release_low();
	/* Importing signal has put a C handler there. */
	PyOS_setsig(SIGINT, SIG_DFL);
	return r;
}

void
template_adopt(struct template *t)
{
	struct cpython_main old;

	PyThreadState_Swap(t->ts);
	if (t->promote)
		cpython_promote(t->ts, &old);
	cpython_adopt(t->ts);
	cpython_hooks_child(t->ts);
}
