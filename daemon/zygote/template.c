#include "daemon/zygote/template.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/zygote/compact.h"
#include "daemon/zygote/cpython.h"
#include "daemon/zygote/huge.h"
#include "daemon/zygote/immortal.h"
#include "daemon/zygote/interp.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/surround.h"
#include "daemon/zygote/value.h"

int
template_start(struct template *t, const struct conf *conf, struct err *e)
{
	struct err why;

	*t = (struct template){ .conf = conf };
	clock_gettime(CLOCK_REALTIME, &t->since);
	interp_clean_env();
	for (char **p = conf->env; *p != NULL; p++)
		if (putenv(*p) != 0)
			return err_sys(e, errno, "set the environment");
	huge_begin();
	t->main_ts = interp_start(conf->venv, e);
	if (t->main_ts == NULL)
		return -1;
	t->adoptable = cpython_check(&why) == 0;
	if (t->adoptable)
		cpython_site_from_now_on();
	t->promote = t->adoptable && conf->promote;
	if (!t->adoptable)
		snprintf(t->reason, sizeof(t->reason), "%s", why.msg);
	else if (!conf->promote)
		snprintf(t->reason, sizeof(t->reason), "promote is false");
	/* Rule 9 of CPYTHON.md: unpromoted while it preloads, the template has
	 * modules first initialised in this interpreter, site-packages' too. */
	return t->promote ? 0 : interp_site(conf->path, e);
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

static int
call(struct template *t, const char *fn, struct err *e)
{
	PyObject *r = runtime_call(t->runtime, e, fn, "()");

	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}

/* For what the Python side says of refusals. */
static int
describe(struct template *t, struct err *e)
{
	PyObject *r = runtime_call(t->runtime, e, "describe", "(sii)",
	    t->conf->template, t->conf->mode == CONF_ISOLATED,
	    t->conf->promote);

	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}

static int
warm_up(struct template *t, struct err *e)
{
	const struct conf *c = t->conf;

	t->runtime = runtime_new(e);
	if (t->runtime == NULL || describe(t, e) == -1 ||
	    (!t->adoptable && call(t, "site", e) == -1) ||
	    preload_run(&t->preload, t->runtime, c, e) == -1 ||
	    call(t, "find_trio", e) == -1)
		return -1;
	return preload_call(&t->preload, t->runtime, "find_after_fork",
	    c->after_fork, e);
}

/* What watch.h is to watch. */
static int
find_sources(struct template *t, struct err *e)
{
	PyObject *list = runtime_call(t->runtime, e, "sources", "()");
	Py_ssize_t n = list != NULL ? PyList_GET_SIZE(list) : 0, k = 0;

	if (list == NULL)
		return -1;
	t->sources = calloc(n + 1, sizeof(*t->sources));
	for (Py_ssize_t i = 0; t->sources != NULL && i < n; i++) {
		t->sources[k] = value_dup_path(PyList_GET_ITEM(list, i));
		k += t->sources[k] != NULL;
	}
	Py_DECREF(list);
	return 0;
}

/* What is shared with the children stays shared: nothing moves after this. */
static int
freeze(struct template *t, struct err *e)
{
	if (preload_call(&t->preload, t->runtime, "prime", t->conf->prime, e) ==
		-1 ||
	    (t->conf->watch && find_sources(t, e) == -1) ||
	    preload_audit_last(&t->preload, e) == -1)
		return -1;
	/* Once and for all: each child runs the hooks after them only. */
	cpython_hooks_before(t->ts);
	if (call(t, "freeze", e) == -1 || surround_know(t->runtime, e) == -1)
		return -1;
	if (immortal_make(e) == -1)
		return -1;
	compact_make();
	huge_make();
	return 0;
}

int
template_make(struct template *t, bool stay, struct err *e)
{
	struct cpython_main old;
	int r;

	t->preload.audited = !stay;
	if (!stay &&
	    (audit_begin(&t->preload.audit, t->conf->allow, e) == -1 ||
		fds_reserve_low(e) == -1))
		return -1;
	t->ts = create(t, e);
	if (t->ts == NULL)
		return -1;
	t->id = PyInterpreterState_GetID(PyThreadState_GetInterpreter(t->ts));
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
		r = freeze(t, e);
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
