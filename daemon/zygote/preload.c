#include "daemon/zygote/preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/zygote/cpython.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/value.h"
#include "proto/clock.h"

/* The one that runs in this process, its import that runs. */
static struct {
	struct preload *p;
	uint64_t begun_ns, begun_kb;
	struct err refusal; /* of the audit; code 0: none */
} running;

/* Exact, as the counters of /proc/self/status are not. */
static uint64_t
anonymous_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	unsigned long kb = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Anonymous: %lu kB", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb;
}

static void
op_loading(const char *module)
{
	if (running.p->tell != NULL)
		running.p->tell(module);
	running.begun_kb = anonymous_kb();
	running.begun_ns = clock_ns();
}

static int
audit(struct preload *p, const char *what, struct err *e)
{
	/* One for this thread. */
	unsigned threads = cpython_threads(PyThreadState_Get());

	if (!p->audited)
		return 0;
	if (threads != 1)
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "%s leaves Python threads running (%u), which no child has",
		    what, threads - 1);
	return audit_again(&p->audit, what, e);
}

static bool
op_loaded(const char *module)
{
	struct preload *p = running.p;
	struct preload_module *m = &p->modules[p->n];
	uint64_t ns = clock_ns() - running.begun_ns, kb = anonymous_kb();
	char what[256];

	*m = (struct preload_module){ .name = strdup(module),
		.ns = ns,
		.private_kb = kb > running.begun_kb ? kb - running.begun_kb :
						      0 };
	if (m->name == NULL) {
		err_set(&running.refusal, ERR_SYSTEM, "no memory");
		return false;
	}
	p->n++;
	snprintf(what, sizeof(what), "preload \"%s\"", module);
	return audit(p, what, &running.refusal) == 0;
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

/* FAULT: what was tried, the module or None, the message, the traceback. */
static int
keep_fault(struct preload *p, PyObject *fault, struct err *e)
{
	char *what = value_dup_text(PyTuple_GET_ITEM(fault, 0));
	char *message = value_dup_text(PyTuple_GET_ITEM(fault, 2));

	if (PyTuple_GET_ITEM(fault, 1) != Py_None)
		p->failed_module = value_dup_text(PyTuple_GET_ITEM(fault, 1));
	if (running.refusal.code != 0)
		*e = running.refusal;
	else
		err_set(e, ERR_TEMPLATE_FAILED, "%s: %s",
		    what != NULL ? what : "?", message != NULL ? message : "?");
	p->traceback = value_dup_text(PyTuple_GET_ITEM(fault, 3));
	free(message);
	free(what);
	return -1;
}

int
preload_call(struct preload *p, PyObject *runtime, const char *fn, char **words,
    struct err *e)
{
	PyObject *list = list_of(words), *fault = NULL;
	int r = -1;

	running.p = p;
	if (list == NULL)
		runtime_exception(e, fn);
	else
		fault = runtime_call(runtime, e, fn, "(O)", list);
	if (fault != NULL)
		r = fault == Py_None ? 0 : keep_fault(p, fault, e);
	Py_XDECREF(fault);
	Py_XDECREF(list);
	return r;
}

int
preload_run(struct preload *p, PyObject *runtime, const struct conf *conf,
    struct err *e)
{
	size_t n = 0;

	while (conf->preload[n] != NULL)
		n++;
	p->modules = calloc(n + 1, sizeof(*p->modules));
	if (p->modules == NULL)
		return err_memory(e, "import times");
	runtime_ops.loading = op_loading;
	runtime_ops.loaded = op_loaded;
	if (preload_call(p, runtime, "add_path", conf->path, e) == -1)
		return -1;
	return preload_call(p, runtime, "preload", conf->preload, e);
}

int
preload_audit_last(struct preload *p, struct err *e)
{
	return audit(p, "priming", e);
}
