#include "daemon/zygote/child.h"

#include <Python.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/zygote/ahead.h"
#include "daemon/zygote/canary.h"
#include "daemon/zygote/cgroup.h"
#include "daemon/zygote/control.h"
#include "daemon/zygote/cpython.h"
#include "daemon/zygote/fds.h"
#include "daemon/zygote/life.h"
#include "daemon/zygote/rehearsal.h"
#include "daemon/zygote/report.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/surround.h"
#include "daemon/zygote/title.h"
#include "daemon/zygote/value.h"
#include "daemon/zygote/wset.h"
#include "proto/clock.h"
#include "proto/stream.h"

#define MAX_OUT (64 << 20) /* bytes of messages; a result is smaller */

/* The one child that this process is. */
static struct {
	struct template *t;
	enum child_kind kind;
	struct stream stream;
} self;

/* The birth failed for E: that is the answer to the job. */
static _Noreturn void
refuse_job(const struct err *e)
{
	const struct report_exception x = {
		.traceback = self.t->preload.traceback,
	};

	report_failed(&self.stream, life_read_job()->msgid, ERR_TEMPLATE_FAILED,
	    e->msg, &x);
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

/* A job of nothing. */
static void
rehearse_reading(void)
{
	struct rehearsal r;
	struct stream st;
	struct job job;
	struct msg m;
	struct err e;

	if (rehearsal_begin(&r, &e) == -1)
		return;
	stream_init(&st, r.control, &frame_limits_default, MAX_OUT);
	job_read(&job, &st, &m);
	Py_XDECREF(job_args(&job.spawn));
	Py_XDECREF(value_text_list(job.spawn.argv));
	Py_XDECREF(value_text(job.spawn.target));
	PyErr_Clear();
	msg_fini(&m);
	st.fd = -1; /* rehearsal_over() closes it */
	stream_fini(&st);
	rehearsal_over(&r);
}

/* What the job will touch is touched before it comes.  Returns how that is waited
 * for: see life_live(). */
static PyObject *
prime(struct template *t)
{
	struct err e;
	PyObject *ahead;

	wset_populate_all();
	rehearse_reading();
	ahead = runtime_call(t->runtime, &e, "standby", "(ii)", t->promote,
	    life_goes_ahead() ? FDS_AHEAD : -1);
	title_kind("standby", t->conf->template, false);
	if (ahead == NULL)
		_exit(1);
	control_ready(&self.stream);
	return ahead != Py_None ? ahead_take(ahead) : NULL;
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

/* What the template wants of each child. */
static int
after_fork(struct template *t, struct err *e)
{
	if (preload_call(&t->preload, t->runtime, "after_fork",
		t->conf->after_fork, e) == -1)
		return -1;
	return t->conf->after_fork[0] != NULL ? surround_know(t->runtime, e) :
						0;
}

/* Why it could not enter its control group. */
static _Noreturn void
refuse_cgroup(const char *path, const struct err *e)
{
	static struct setup_fault f = { .step = "cgroup" };

	f.err = *e;
	if (self.kind == CHILD_STANDBY)
		_exit(1);
	f.err.code = ERR_SETUP_FAILED;
	snprintf(f.object, sizeof(f.object), "%s", path);
	report_setup(&self.stream, life_read_job()->msgid, &f);
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
	uint64_t born_ns = clock_ns(), adopted_ns;

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
	life_begin(t, kind, &self.stream, born_ns);
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
	if (after_fork(t, &e) == -1) {
		if (kind == CHILD_JOB)
			refuse_job(&e);
		if (kind != CHILD_CANARY)
			_exit(1);
		canary_say(FDS_CONTROL, e.msg, t->preload.traceback);
		_exit(CANARY_AFTER_FORK);
	}
	adopted_ns = clock_ns();
	if (kind == CHILD_CANARY)
		canary(t);
	life_live(kind == CHILD_STANDBY ? prime(t) : NULL, adopted_ns);
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
