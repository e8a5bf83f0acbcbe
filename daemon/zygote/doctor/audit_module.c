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

struct errand {
	struct lab lab;
	struct err *e;
	int result;
};

/* To stay: what a preload leaves behind is another question. */
static void
make(void *arg)
{
	struct errand *d = arg;

	d->result = template_make(&d->lab.work.template, true, d->e);
}

static int
run(const struct setting *s, struct finding *f, struct err *e)
{
	static struct errand d;
	const struct preload *p = &d.lab.work.template.preload;

	d.e = e;
	if (lab_start(&d.lab, s, e) == -1)
		return -1;
	lab_in_worker(&d.lab, make, &d);
	f->yes = d.result == -1;
	if (f->yes &&
	    (p->failed_module == NULL || is_absent(e->msg, s->module)))
		return p->failed_module == NULL ?
		    -1 :
		    err_set(e, ERR_TEMPLATE_FAILED, AUDIT_NO_MODULE);
	if (f->yes) {
		lab_show_traceback(&d.lab);
		/* Its first line; what follows is advice for a template. */
		finding_add(f, "%.*s", (int)strcspn(e->msg, "\n"), e->msg);
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
