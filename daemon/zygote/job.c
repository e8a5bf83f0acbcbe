#include "daemon/zygote/job.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/zygote/report.h"
#include "daemon/zygote/setup.h"
#include "daemon/zygote/value.h"

/* Threads that a hook has started run meanwhile. */
static enum stream_fill
fill(struct stream *st)
{
	PyThreadState *ts = PyEval_SaveThread();
	enum stream_fill r;
	struct err e;

	r = stream_fill(st, &e);
	PyEval_RestoreThread(ts);
	return r;
}

void
job_read(struct job *job, struct stream *st, struct msg *m)
{
	struct err e;

	for (;;) {
		int r = stream_next(st, m, &e);

		if (r == 1 && m->type == MSG_REQUEST)
			break;
		if (r == 1 && strcmp(m->method, "cancel") == 0)
			_exit(128 + SIGTERM);
		if (r == 1)
			msg_fini(m);
		else if (r == -1 || fill(st) != STREAM_GOT)
			_exit(0);
	}
	job->msgid = m->id;
	if (spawn_read_job(&job->spawn, &m->params, &e) == 0)
		return;
	err_wrap(&e, "job");
	report_failed(st, job->msgid, ERR_INTERNAL, e.msg, NULL);
	_exit(1);
}

bool
job_places(const struct job *job, int first)
{
	const struct spawn *s = &job->spawn;

	for (unsigned i = 0; i < s->nfds; i++)
		if (s->fds[i] >= first)
			return true;
	for (unsigned i = 0; i < s->nfiles; i++)
		if (s->files[i].fd >= first || s->files[i].copy >= first)
			return true;
	return false;
}

void
job_set_up(const struct job *job, struct stream *st)
{
	static struct setup_fault f;
	int from[SPAWN_JOB_FDS];

	if (stream_take_fds(st, job->spawn.nfds, from, &f.err) == -1)
		f.step = "fds";
	else if (setup_apply(&job->spawn, from, &f) == 0)
		return;
	report_setup(st, job->msgid, &f);
	_exit(1);
}

PyObject *
job_args(const struct spawn *s)
{
	const msgpack_object args = { .type = MSGPACK_OBJECT_ARRAY,
		.via.array = s->args != NULL ? *s->args :
					       (msgpack_object_array){ 0 } };
	const msgpack_object kwargs = { .type = MSGPACK_OBJECT_MAP,
		.via.map = s->kwargs != NULL ? *s->kwargs :
					       (msgpack_object_map){ 0 } };
	PyObject *a = value_from_msgpack(&args);
	PyObject *k = a != NULL ? value_from_msgpack(&kwargs) : NULL;

	return k != NULL ? Py_BuildValue("(NN)", a, k) : NULL;
}
