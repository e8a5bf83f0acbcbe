#include "daemon/zygote/doctor/audit.h"

#include <stdio.h>
#include <string.h>

#include "daemon/zygote/doctor/lab.h"

const char *const audit_modules[] = {
	"trio",
	"msgspec",
	"numpy",
	"pandas",
	"scipy.linalg",
	"matplotlib",
	"lxml.etree",
	"PIL.Image",
	"psycopg2",
	"cffi",
	"cryptography.hazmat.bindings._rust",
	"zmq",
	"grpc",
	"uvloop",
	"ssl",
	"sqlite3",
	"ctypes",
	NULL,
};

static const char *const modes[] = { "isolated", "isolated, promoted", NULL };

/* Whether WHY says that MODULE, or the package it is in, is not there. */
static bool
is_absent(const char *why, const char *module)
{
	static const char mark[] = "ModuleNotFoundError: No module named '";
	const char *name = strstr(why, mark);
	size_t n;

	if (name == NULL)
		return false;
	name += sizeof(mark) - 1;
	n = strcspn(name, "'");
	return strncmp(name, module, n) == 0 &&
	    (module[n] == '\0' || module[n] == '.');
}

/* What refusals.py adds: no template is at hand that could be changed. */
#define ADVICE "; template \"doctor\""

struct errand {
	struct lab lab;
	const char *module;
	char version[64]; /* "" where it is not known */
	struct err *e;
	int result;
};

/* That of the distribution, where it has the package's name. */
static void
keep_version(struct errand *d)
{
	PyObject *meta = PyImport_ImportModule("importlib.metadata"), *v = NULL;
	const char *text;

	if (meta != NULL)
		v = PyObject_CallMethod(meta, "version", "s#", d->module,
		    (Py_ssize_t)strcspn(d->module, "."));
	text = v != NULL ? PyUnicode_AsUTF8(v) : NULL;
	snprintf(d->version, sizeof(d->version), "%s",
	    text != NULL ? text : "");
	PyErr_Clear();
	Py_XDECREF(v);
	Py_XDECREF(meta);
}

/* To stay: what a preload leaves behind is another question. */
static void
make(void *arg)
{
	struct errand *d = arg;

	d->result = template_make(&d->lab.work.template, true, d->e);
	if (d->lab.work.template.ts != NULL)
		keep_version(d);
}

static int
run(const struct setting *s, struct finding *f, struct err *e)
{
	static struct errand d;
	const struct preload *p = &d.lab.work.template.preload;
	char *advice;

	d.e = e;
	d.module = s->module;
	if (lab_start(&d.lab, s, e) == -1)
		return -1;
	lab_in_worker(&d.lab, make, &d);
	f->yes = d.result == -1;
	if (f->yes &&
	    (p->failed_module == NULL || is_absent(e->msg, s->module)))
		return p->failed_module == NULL ?
		    -1 :
		    err_set(e, ERR_TEMPLATE_FAILED, AUDIT_NO_MODULE);
	if (d.version[0] != '\0')
		finding_add(f, "version %s", d.version);
	if (f->yes) {
		lab_show_traceback(&d.lab);
		advice = strstr(e->msg, ADVICE);
		if (advice != NULL)
			*advice = '\0';
		finding_add(f, "%s", e->msg);
	} else {
		finding_add(f, "imported in %.0f ms", p->modules[0].ns / 1e6);
	}
	return 0;
}

const struct experiment audit_module = {
	.name = "own_gil",
	.about = "a module does not load in an interpreter with a GIL of its "
		 "own",
	.modes = modes,
	.death_answers = true,
	.run = run,
};
