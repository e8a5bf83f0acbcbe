#include "daemon/zygote/doctor/primitive.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/zygote/runtime.h"

#define STACK (8u << 20) /* rule 1 of CPYTHON.md */

const PyInterpreterConfig primitive_legacy = {
	.use_main_obmalloc = 1,
	.allow_fork = 1,
	.allow_exec = 1,
	.allow_threads = 1,
	.allow_daemon_threads = 1,
	.check_multi_interp_extensions = 0,
	.gil = PyInterpreterConfig_SHARED_GIL,
};

const PyInterpreterConfig primitive_isolated = {
	.use_main_obmalloc = 0,
	.allow_fork = 1,
	.allow_exec = 1,
	.allow_threads = 1,
	.allow_daemon_threads = 1,
	.check_multi_interp_extensions = 1,
	.gil = PyInterpreterConfig_OWN_GIL,
};

/* --- fork ----------------------------------------------------------------- */

pid_t
fork_from_this_thread(int (*child)(void *), void *arg, struct err *e)
{
	pid_t pid;
	int saved, status;

	PyOS_BeforeFork();
	pid = fork();
	if (pid == 0) {
		PyOS_AfterFork_Child();
		/* It must not outlive a trial that is out of time. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		status = child(arg);
		fflush(NULL);
		_exit(status);
	}
	saved = errno;
	PyOS_AfterFork_Parent();
	if (pid == -1)
		err_sys(e, saved, "fork");
	return pid;
}

struct order {
	int (*child)(void *);
	void *arg;
	struct err *e;
	pid_t pid;
};

static void
obey(void *arg)
{
	struct order *o = arg;

	o->pid = fork_from_this_thread(o->child, o->arg, o->e);
}

pid_t
fork_from_worker_thread(struct handover *h, int (*child)(void *), void *arg,
    struct err *e)
{
	struct order o = { .child = child, .arg = arg, .e = e };

	handover_call(h, obey, &o);
	return o.pid;
}

/* --- a subinterpreter ----------------------------------------------------- */

struct bootstrap {
	const PyInterpreterConfig *config;
	const char *source;
	PyInterpreterState *main;
	struct err *e;
	int result;
};

static int
make_and_run(const struct bootstrap *b)
{
	PyThreadState *ts = NULL;
	PyStatus s = Py_NewInterpreterFromConfig(&ts, b->config);
	PyObject *names;

	if (PyStatus_Exception(s) || ts == NULL)
		return err_set(b->e, ERR_SYSTEM, "make a subinterpreter: %s",
		    s.err_msg != NULL ? s.err_msg : "no reason given");
	names = primitive_run(b->source, b->e);
	Py_XDECREF(names);
	return names != NULL ? 0 : -1;
}

static void *
thread_main(void *arg)
{
	struct bootstrap *b = arg;
	PyThreadState *own = PyThreadState_New(b->main);

	PyEval_RestoreThread(own);
	b->result = make_and_run(b);
	PyThreadState_Swap(own);
	PyThreadState_Clear(own);
	PyThreadState_DeleteCurrent();
	return NULL;
}

int
run_subinterpreter_in_worker_thread(const PyInterpreterConfig *config,
    const char *bootstrap, struct err *e)
{
	struct bootstrap b = { .config = config,
		.source = bootstrap,
		.main = PyInterpreterState_Get(),
		.e = e };
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	r = pthread_attr_setstacksize(&attr, STACK);
	if (r == 0)
		r = pthread_create(&thread, &attr, thread_main, &b);
	pthread_attr_destroy(&attr);
	if (r != 0)
		return err_sys(e, r, "start a thread");
	Py_BEGIN_ALLOW_THREADS;
	pthread_join(thread, NULL);
	Py_END_ALLOW_THREADS;
	return b.result;
}

int
primitive_failed(struct err *e)
{
	PyObject *exc = PyErr_GetRaisedException();

	PyErr_DisplayException(exc);
	PyErr_SetRaisedException(exc);
	return runtime_exception(e, "the experiment's code");
}

PyObject *
primitive_run(const char *source, struct err *e)
{
	PyObject *names = PyDict_New(), *main, *code = NULL, *r = NULL;

	main = PyUnicode_FromString("__main__");
	if (names != NULL && main != NULL &&
	    PyDict_SetItemString(names, "__name__", main) == 0 &&
	    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) ==
		0)
		code = Py_CompileString(source, "<doctor>", Py_file_input);
	if (code != NULL)
		r = PyEval_EvalCode(code, names, names);
	if (r == NULL) {
		primitive_failed(e);
		Py_CLEAR(names);
	}
	Py_XDECREF(r);
	Py_XDECREF(code);
	Py_XDECREF(main);
	return names;
}

/* --- wait ----------------------------------------------------------------- */

bool
wait_for_child(pid_t pid, struct ending expected, char *what, size_t n)
{
	struct ending got = { .code = -1 };
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r == -1 && errno == EINTR);
	if (r == -1) {
		snprintf(what, n, "cannot be waited for: %s", strerror(errno));
		return false;
	}
	if (WIFEXITED(status)) {
		got.code = WEXITSTATUS(status);
		snprintf(what, n, "exited with %d", got.code);
	} else {
		got.signal = WTERMSIG(status);
		snprintf(what, n, "died of SIG%s%s",
		    sigabbrev_np(got.signal) != NULL ?
			sigabbrev_np(got.signal) :
			"?",
		    WCOREDUMP(status) ? " and dumped core" : "");
	}
	return got.code == expected.code && got.signal == expected.signal &&
	    !(WIFSIGNALED(status) && WCOREDUMP(status));
}
