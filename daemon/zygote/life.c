#include "daemon/zygote/life.h"

#include <Python.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/zygote/ahead.h"
#include "daemon/zygote/fds.h"
#include "daemon/zygote/job.h"
#include "daemon/zygote/report.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/says.h"
#include "daemon/zygote/surround.h"
#include "daemon/zygote/value.h"
#include "daemon/zygote/wset.h"
#include "proto/clock.h"
#include "proto/spawn.h"

/* The one child that this process is. */
static struct {
	struct template *t;
	enum child_kind kind;
	struct stream *stream;
	struct msg msg; /* that the job is in */
	struct job job;
	bool has_job;
	bool left; /* the run that it had entered: the job goes another way */
	uint64_t born_ns, adopted_ns, setup_ns;
} self;

/* Whether the last job that a standby had was for a run entered ahead: what the
 * next ones had better wait in.  Shared by the template's children; a wrong answer
 * costs the next one a part of a millisecond. */
static volatile uint8_t *goes;

void
life_share(void)
{
	void *p = mmap(NULL, 1, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	goes = p != MAP_FAILED ? p : NULL;
	if (goes != NULL)
		*goes = true;
}

bool
life_goes_ahead(void)
{
	return goes != NULL && *goes;
}

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
find(struct err *e)
{
	const struct spawn *s = &self.job.spawn;
	PyObject *args = job_args(s), *target = value_text(s->target);

	if (args == NULL || target == NULL) {
		runtime_exception(e, "read the job");
		e->code = ERR_INVALID_PARAMS;
		return NULL;
	}
	if (surround_job(self.t->runtime, s, self.t->promote, e) == -1)
		return NULL;
	return runtime_call(self.t->runtime, e, "prepare", "(sOOOi)",
	    spawn_entry_name(s->entry), target, PyTuple_GET_ITEM(args, 0),
	    PyTuple_GET_ITEM(args, 1), self.t->promote);
}

/* Runs the program, with no frame of ours below its own.  False: it was not the
 * program, see live_ahead(). */
static bool
run(PyObject *work, int *status, int *signum)
{
	PyObject *result = PyObject_CallNoArgs(work), *exc, *r;
	struct err e;

	if (self.left || !self.has_job) {
		Py_XDECREF(result);
		PyErr_Clear();
		return false;
	}
	*status = *signum = 0;
	if (result != NULL) {
		call(&e, "returned",
		    Py_BuildValue("(sN)",
			spawn_entry_name(self.job.spawn.entry), result));
		return true;
	}
	exc = PyErr_GetRaisedException();
	r = runtime_call(self.t->runtime, &e, "raised", "(Ni)", exc,
	    self.t->promote);
	*status = r != NULL ? PyLong_AsLong(PyTuple_GET_ITEM(r, 0)) : 1;
	*signum = r != NULL ? PyLong_AsLong(PyTuple_GET_ITEM(r, 1)) : 0;
	Py_XDECREF(r);
	return true;
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

	report_started(self.stream, self.job.msgid, &r);
}

const struct job *
life_read_job(void)
{
	job_read(&self.job, self.stream, &self.msg);
	self.has_job = true;
	if (self.kind == CHILD_STANDBY && goes != NULL)
		*goes = ahead_is_for(&self.job.spawn);
	return &self.job;
}

static _Noreturn void
refuse(const struct err *e)
{
	report_failed(self.stream, self.job.msgid, e->code, e->msg, NULL);
	_exit(1);
}

static void
set_up(void)
{
	job_set_up(&self.job, self.stream);
	self.setup_ns = clock_ns();
}

/* All that goes before the program.  Ends the process where there is none to
 * run. */
static PyObject *
prepare(void)
{
	struct err e;
	PyObject *work;

	set_up();
	work = find(&e);
	if (work == NULL)
		refuse(&e);
	if (work == Py_None)
		end(1, 0);
	/* Not by the Python side, which could be interrupted behind it. */
	tell_started();
	return work;
}

/* The coroutine for the main task of the run that has been entered; NULL: the job
 * is for another way. */
static PyObject *
coroutine_ahead(void)
{
	if (job_places(&self.job, FDS_AHEAD))
		return NULL;
	return ahead_coroutine(&self.job.spawn);
}

/* The main task's first step. */
static PyObject *
await_job(void)
{
	PyObject *coroutine, *r;
	struct err e;

	if (ahead_enter() == -1)
		return NULL;
	report_ready(self.stream);
	life_read_job();
	coroutine = coroutine_ahead();
	if (coroutine == NULL) {
		self.left = true;
		PyErr_SetString(PyExc_RuntimeError, "the job leaves this run");
		return NULL;
	}
	set_up();
	if (surround_job(self.t->runtime, &self.job.spawn, self.t->promote,
		&e) == -1)
		refuse(&e);
	if (ahead_name(&self.job.spawn, coroutine) == -1) {
		runtime_exception(&e, "prepare the main task");
		refuse(&e);
	}
	tell_started();
	r = PyObject_CallMethod(coroutine, "send", "O", Py_None);
	Py_DECREF(coroutine);
	return r;
}

/* Comes back where the job is not for the run that AHEAD enters. */
static void
live_ahead(PyObject *ahead)
{
	struct err e;
	int status, signum;

	if (run(ahead, &status, &signum))
		end(status, signum);
	self.left = false;
	if (!self.has_job) { /* it could not be entered */
		call(&e, "stay_outside", PyTuple_New(0));
		report_ready(self.stream);
	}
}

void
life_begin(struct template *t, enum child_kind kind, struct stream *st,
    uint64_t born_ns)
{
	self.t = t;
	self.kind = kind;
	self.stream = st;
	self.born_ns = born_ns;
	says_begin(t, &self.job, st, await_job);
}

void
life_live(PyObject *ahead, uint64_t adopted_ns)
{
	int status, signum;

	self.adopted_ns = adopted_ns;
	if (ahead != NULL)
		live_ahead(ahead);
	else if (self.kind == CHILD_STANDBY)
		report_ready(self.stream);
	if (!self.has_job)
		life_read_job();
	run(prepare(), &status, &signum);
	end(status, signum);
}
