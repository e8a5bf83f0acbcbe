#include "daemon/zygote/says.h"

#include <Python.h>
#include <signal.h>
#include <stdio.h>

#include "daemon/zygote/captured.h"
#include "daemon/zygote/control.h"
#include "daemon/zygote/job.h"
#include "daemon/zygote/report.h"
#include "daemon/zygote/runtime.h"
#include "daemon/zygote/stacks.h"
#include "daemon/zygote/template.h"
#include "proto/stream.h"

static struct {
	const struct template *t;
	const struct job *job;
	struct stream *stream;
	bool told_ready;
} says;

static void
op_failed(const char *type, const char *detail, const char *tb)
{
	const struct report_exception x = { type, detail, tb };
	char message[512];

	snprintf(message, sizeof(message), "%s: %s", type, detail);
	/* It ends by itself, and who asked may be gone as soon as this is
	 * told: no cancel for that, which would lose what is not flushed. */
	signal(CONTROL_SIGNAL, SIG_IGN);
	report_failed(says.stream, says.job->msgid, ERR_IMPORT_FAILED, message,
	    &x);
}

static void
op_raised(const char *type, const char *detail, const char *tb)
{
	const struct report_exception x = { type, detail, tb };

	report_raised(says.stream, &x);
}

static void
op_returned(PyObject *result)
{
	report_returned(says.stream, result);
}

/* 1: told; 0: nobody waits for it. */
static int
op_ready(PyObject *value, struct err *e)
{
	if (says.job->spawn.ready != SPAWN_TOLD)
		return 0;
	if (says.told_ready || says.stream->fd == -1)
		return err_set(e, ERR_NOT_RUNNING,
		    says.told_ready ? "ready() was called before" :
				      "the daemon is not heard here");
	says.told_ready = report_told(says.stream, value, e) == 0;
	return says.told_ready ? 1 : -1;
}

static void
op_answer(uint64_t number, PyObject *look)
{
	report_answer(says.stream, number, look);
}

static void
op_control_arm(void)
{
	const struct spawn *s = &says.job->spawn;

	stacks_init(says.t->adoptable ? PyInterpreterState_Get() : NULL);
	captured_note(s->fds + s->nfds - s->captured, s->captured);
	control_arm(says.stream, !s->detached, s->grace_ns, says.t->promote);
}

static void
op_control_drop(void)
{
	control_drop();
	says.stream->fd = -1;
}

void
says_begin(const struct template *t, const struct job *job, struct stream *st,
    PyObject *(*await_job)(void))
{
	says.t = t;
	says.job = job;
	says.stream = st;
	runtime_ops = (struct runtime_ops){
		.failed = op_failed,
		.raised = op_raised,
		.returned = op_returned,
		.answer = op_answer,
		.ready = op_ready,
		.await_job = await_job,
		.control_arm = op_control_arm,
		.control_take = control_take,
		.control_drop = op_control_drop,
	};
}
