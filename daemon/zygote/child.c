#include "daemon/zygote/child.h"

#include <Python.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/zygote/canary.h"
#include "daemon/zygote/cgroup.h"
#include "daemon/zygote/control.h"
#include "daemon/zygote/cpython.h"
#include "daemon/zygote/fds.h"
#include "daemon/zygote/job.h"
#include "daemon/zygote/report.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/says.h"
#include "daemon/zygote/title.h"
#include "daemon/zygote/value.h"
#include "daemon/zygote/wset.h"
#include "proto/clock.h"
#include "proto/spawn.h"
#include "proto/stream.h"

#define MAX_OUT (64 << 20) /* bytes of messages; a result is smaller */
/* The one child that this process is. */
static struct {
	struct template *t;
	enum child_kind kind;
	struct stream stream;
	struct job job;
	uint64_t born_ns, adopted_ns, setup_ns;
} self;

/* --- the job ------------------------------------------------------------- */

/* A function of the Python side; its result is of no interest. */
static int
call(struct err *e, const char *fn, PyObject *args)
{
	PyObject *r = args != NULL ?
	    runtime_call(self.t->runtime, e, fn, "O", args) :
	    NULL;

	Py_XDECREF(args);
	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}

/* The function that the job runs, None where there is none and that has been
 * told, or NULL: the job was bad. */
static PyObject *
prepare(struct err *e)
{
	PyObject *argv = value_text_list(self.job.spawn.argv);
	PyObject *path = value_text_list(self.job.spawn.path);
	PyObject *args = job_args(&self.job.spawn), *target;

	target = value_text(self.job.spawn.target);
	if (argv == NULL || path == NULL || args == NULL || target == NULL) {
		runtime_exception(e, "read the job");
		e->code = ERR_INVALID_PARAMS;
		return NULL;
	}
	if (call(e, "surround",
		Py_BuildValue("(iOO)", self.job.spawn.env != NULL, argv,
		    path)) == -1 ||
	    call(e, "watch_control", Py_BuildValue("(i)", self.t->promote)) ==
		-1)
		return NULL;
	return runtime_call(self.t->runtime, e, "prepare", "(sOOOi)",
	    spawn_entry_name(self.job.spawn.entry), target,
	    PyTuple_GET_ITEM(args, 0), PyTuple_GET_ITEM(args, 1),
	    self.t->promote);
}

/* Runs the program, with no frame of ours below its own. */
static void
run(PyObject *work, int *status, int *signum)
{
	PyObject *result = PyObject_CallNoArgs(work), *exc, *r;
	struct err e;

	*status = *signum = 0;
	if (result != NULL) {
		call(&e, "returned",
		    Py_BuildValue("(sN)",
			spawn_entry_name(self.job.spawn.entry), result));
		return;
	}
	exc = PyErr_GetRaisedException();
	r = runtime_call(self.t->runtime, &e, "raised", "(Ni)", exc,
	    self.t->promote);
	*status = r != NULL ? PyLong_AsLong(PyTuple_GET_ITEM(r, 0)) : 1;
	*signum = r != NULL ? PyLong_AsLong(PyTuple_GET_ITEM(r, 1)) : 0;
	Py_XDECREF(r);
}

/* Python's finalisation is not run: the kernel tears down faster, and a
 * promoted interpreter cannot be finalised. */
static _Noreturn void
end(int status, int signum)
{
	struct err e;
	PyObject *r = runtime_call(self.t->runtime, &e, "finish", "(is)",
	    status, spawn_entry_name(self.job.spawn.entry));

	if (r != NULL)
		status = PyLong_AsLong(r);
	fflush(NULL);
	if (self.kind == CHILD_REHEARSAL)
		wset_learn();
	if (signum != 0) {
		/* As python does after KeyboardInterrupt: whoever waits sees
		 * what ended it. */
		signal(signum, SIG_DFL);
		raise(signum);
	}
	_exit(status);
}

static void
tell_started(void)
{
	const struct report_start r = {
		.interpreter = self.t->id,
		.promoted = self.t->promote,
		.born_ns = self.born_ns,
		.adopted_ns = self.adopted_ns,
		.setup_ns = self.setup_ns,
		.started_ns = clock_ns(),
	};

	report_started(&self.stream, self.job.msgid, &r);
}

static _Noreturn void
live(void)
{
	struct msg m;
	struct err e;
	PyObject *work;
	int status, signum;

	job_read(&self.job, &self.stream, &m);
	if (self.kind == CHILD_STANDBY && job_places(&self.job, FDS_AHEAD))
		call(&e, "clear_way", PyTuple_New(0));
	job_set_up(&self.job, &self.stream);
	self.setup_ns = clock_ns();
	work = prepare(&e);
	if (work == NULL) {
		report_failed(&self.stream, self.job.msgid, e.code, e.msg,
		    NULL);
		_exit(1);
	}
	if (work == Py_None)
		end(1, 0);
	/* Not by the Python side, which could be interrupted behind it. */
	tell_started();
	run(work, &status, &signum);
	end(status, signum);
}

/* --- birth --------------------------------------------------------------- */

/* The birth failed for E: that is the answer to the job. */
static _Noreturn void
refuse_job(const struct err *e)
{
	const struct report_exception x = {
		.traceback = self.t->preload.traceback,
	};
	struct msg m;

	job_read(&self.job, &self.stream, &m);
	report_failed(&self.stream, self.job.msgid, ERR_TEMPLATE_FAILED, e->msg,
	    &x);
	_exit(1);
}

static _Noreturn void
canary(struct template *t)
{
	struct err e;

	if (runtime_call(t->runtime, &e, "canary", "(i)", t->promote) != NULL)
		_exit(CANARY_GOOD);
	canary_say(FDS_CONTROL, e.msg, NULL);
	_exit(1);
}

/* What the job will touch is touched before it comes. */
static void
prime(struct template *t)
{
	struct err e;
	PyObject *r;

	wset_populate_all();
	r = runtime_call(t->runtime, &e, "standby", "(i)", FDS_AHEAD);
	title_kind("standby", t->conf->template, false);
	if (r == NULL)
		_exit(1);
	Py_DECREF(r);
	control_ready(&self.stream);
	report_ready(&self.stream);
}

/* Its interpreter, its own: adopted or, of a cold start, made. */
static void
awake(struct template *t)
{
	struct err e;

	if (t->ts != NULL) {
		template_adopt(t);
		return;
	}
	if (template_make(t, true, &e) == -1)
		refuse_job(&e);
	if (t->adoptable)
		cpython_adopt(t->ts);
}

/* Why it could not enter its control group. */
static _Noreturn void
refuse_cgroup(const char *path, const struct err *e)
{
	static struct setup_fault f = { .step = "cgroup" };
	struct msg m;

	f.err = *e;
	if (self.kind == CHILD_STANDBY)
		_exit(1);
	f.err.code = ERR_SETUP_FAILED;
	snprintf(f.object, sizeof(f.object), "%s", path);
	job_read(&self.job, &self.stream, &m);
	report_setup(&self.stream, self.job.msgid, &f);
	_exit(1);
}

static _Noreturn void
begin(struct template *t, enum child_kind kind, int control, int null_fd,
    const char *cgroup, int procs)
{
	struct err e, cgroup_err;
	bool outside;
	PyObject *r;
	sigset_t none;

	self.born_ns = clock_ns();
	self.t = t;
	self.kind = kind;
	setsid();
	/* Before there is anything that could stay outside, and before its
	 * descriptor is closed. */
	outside = cgroup != NULL &&
	    cgroup_enter(cgroup, procs, &cgroup_err) == -1;
	if (fds_begin(null_fd, control, &t->preload.audit.kept, &e) == -1)
		_exit(1);
	stream_init(&self.stream, FDS_CONTROL, &frame_limits_default, MAX_OUT);
	says_begin(t, &self.job, &self.stream);
	if (outside)
		refuse_cgroup(cgroup, &cgroup_err);
	if (cgroup != NULL)
		wset_populate();
	awake(t);
	r = runtime_call(t->runtime, &e, "born", "(ii)", t->promote,
	    CONTROL_SIGNAL);
	if (r == NULL)
		_exit(1);
	Py_DECREF(r);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (preload_call(&t->preload, t->runtime, "after_fork",
		t->conf->after_fork, &e) == -1) {
		if (kind == CHILD_JOB)
			refuse_job(&e);
		if (kind != CHILD_CANARY)
			_exit(1);
		canary_say(FDS_CONTROL, e.msg, t->preload.traceback);
		_exit(CANARY_AFTER_FORK);
	}
	self.adopted_ns = clock_ns();
	if (kind == CHILD_CANARY)
		canary(t);
	if (kind == CHILD_STANDBY)
		prime(t);
	live();
}

pid_t
child_fork(struct template *t, enum child_kind kind, int control, int null_fd,
    const char *cgroup, int procs, struct err *e)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	/* A signal for the child waits until it has handlers of its own. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	PyOS_BeforeFork();
	pid = fork();
	if (pid == 0) {
		/* At once, or in the control group whose memory it is. */
		if (cgroup == NULL)
			wset_populate();
		PyOS_AfterFork_Child();
		begin(t, kind, control, null_fd, cgroup, procs);
	}
	saved = errno;
	PyOS_AfterFork_Parent();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pid == -1)
		err_sys(e, saved, "fork");
	return pid;
}
