#include "daemon/zygote/doctor/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/zygote/doctor/gate.h"
#include "daemon/zygote/doctor/lab.h"
#include "daemon/zygote/doctor/primitive.h"

static const char *const one_way[] = { "main", NULL };
static const char *const both[] = { "legacy", "isolated", NULL };

/* --- the control ---------------------------------------------------------- */

static int
run_control(const struct setting *s, struct finding *f, struct err *e)
{
	struct gate g;

	if (gate_try(&g, s, e) == -1)
		return -1;
	f->yes = g.refused;
	finding_add(f, "the child %s", g.ended);
	finding_add(f, "it said: %s", g.said[0] != '\0' ? g.said : "nothing");
	if (!f->yes)
		finding_add(f, "CPython's gate is not where we take it to be");
	return 0;
}

const struct experiment scenario_control_subint_thread_fork = {
	.name = "control_subint_thread_fork",
	.about = "a plain fork from a subinterpreter's thread",
	.expected = "CPython ends the child: it " GATE_EXPECTED,
	.modes = both,
	.run = run_control,
};

/* --- the main interpreter ------------------------------------------------- */

/* What works in any Python process works in the child. */
static const char child_source[] =
    "import os, random, subprocess, sys, threading\n"
    "assert threading.current_thread() is threading.main_thread()\n"
    "assert threading.get_native_id() == os.getpid()\n"
    "seen = []\n"
    "thread = threading.Thread(target=seen.append, args=[1])\n"
    "thread.start()\n"
    "thread.join()\n"
    "assert seen == [1]\n"
    "pid = os.fork()\n"
    "if pid == 0:\n"
    "    os._exit(7)\n"
    "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n";

static int
run_child_source(void *)
{
	struct err e;

	if (primitive_run(child_source, &e) != NULL)
		return 0;
	fprintf(stderr, "%s\n", e.msg);
	return 1;
}

static void
await(pid_t pid, struct finding *f)
{
	char how[64];

	f->yes = wait_for_child(pid, (struct ending){ .code = 0 }, how,
	    sizeof(how));
	finding_add(f, "the child %s", how);
}

static int
run_main(const struct setting *s, struct finding *f, struct err *e)
{
	char *none[] = { NULL };
	const struct conf conf = { .path = none, .env = none };
	struct template t;
	pid_t pid;

	(void)s;
	if (template_start(&t, &conf, e) == -1)
		return -1;
	pid = fork_from_this_thread(run_child_source, NULL, e);
	if (pid == -1)
		return -1;
	await(pid, f);
	return 0;
}

const struct experiment scenario_main_thread_fork = {
	.name = "main_thread_fork",
	.about = "a fork from the process's main thread, in the main "
		 "interpreter",
	.expected = "the child runs Python (threads, os.fork) and exits with 0",
	.modes = one_way,
	.run = run_main,
};

static int
run_worker(const struct setting *s, struct finding *f, struct err *e)
{
	struct lab l;
	pid_t pid;

	if (lab_start(&l, s, e) == -1)
		return -1;
	pid = fork_from_worker_thread(&l.handover, run_child_source, NULL, e);
	if (pid == -1)
		return -1;
	await(pid, f);
	return 0;
}

const struct experiment scenario_worker_thread_fork = {
	.name = "worker_thread_fork",
	.about = "a fork from the clean worker thread, in the main interpreter",
	.expected = "the child runs Python (threads, os.fork) and exits with 0",
	.modes = one_way,
	.run = run_worker,
};

/* --- both, without a template --------------------------------------------- */

static const char trio_source[] =
    "import sys\n"
    "sys.path[:0] = [path] if (path := %s) else []\n"
    "import os, threading, trio\n"
    "assert threading.get_native_id() != os.getpid()\n"
    "async def answer(seen):\n"
    "    await trio.sleep(0.01)\n"
    "    seen.append(await trio.to_thread.run_sync(lambda: 42))\n"
    "async def main():\n"
    "    seen = []\n"
    "    async with trio.open_nursery() as nursery:\n"
    "        nursery.start_soon(answer, seen)\n"
    "    return seen\n"
    "assert trio.run(main) == [42]\n";

static int
run_trio(void *arg)
{
	const struct setting *s = arg;
	PyObject *path = NULL, *repr = NULL;
	const char *text = "None";
	char source[sizeof(trio_source) + PATH_MAX * 4];
	struct err e;

	if (s->path != NULL) {
		path = PyUnicode_DecodeFSDefault(s->path);
		repr = path != NULL ? PyObject_ASCII(path) : NULL;
		text = repr != NULL ? PyUnicode_AsUTF8(repr) : "None";
	}
	snprintf(source, sizeof(source), trio_source, text);
	Py_XDECREF(repr);
	Py_XDECREF(path);
	if (run_subinterpreter_in_worker_thread(lab_isolated(s->mode) ?
		    &primitive_isolated :
		    &primitive_legacy,
		source, &e) == 0)
		return 0;
	fprintf(stderr, "%s\n", e.msg);
	return 1;
}

static int
run_full(const struct setting *s, struct finding *f, struct err *e)
{
	struct setting copy = *s;
	struct lab l;
	pid_t pid;

	if (lab_start(&l, s, e) == -1)
		return -1;
	pid = fork_from_worker_thread(&l.handover, run_trio, &copy, e);
	if (pid == -1)
		return -1;
	await(pid, f);
	return 0;
}

const struct experiment scenario_full_architecture = {
	.name = "full_architecture",
	.about = "a fork from the clean worker thread; in the child, a new "
		 "subinterpreter on a worker thread runs trio",
	.expected = "trio's nursery, timer and to_thread work; the child exits "
		    "with 0",
	.modes = both,
	.run = run_full,
};
