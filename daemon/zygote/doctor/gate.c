#include "daemon/zygote/doctor/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/zygote/doctor/lab.h"
#include "daemon/zygote/doctor/primitive.h"

/* %d: where the parent puts the pid. */
static const char source[] =
    "import os, warnings\n"
    "warnings.simplefilter('ignore')  # of threads: one of them waits for us\n"
    "pid = os.fork()\n"
    "if pid == 0:\n"
    "    os._exit(0)\n"
    "os.write(%d, b'%%d' %% pid)\n";

struct errand {
	const struct setting *setting;
	int pid_fd, result;
	struct err *e;
};

static void
fork_in_subinterpreter(void *arg)
{
	struct errand *d = arg;
	bool isolated = lab_isolated(d->setting->mode);
	char text[sizeof(source) + 16];

	snprintf(text, sizeof(text), source, d->pid_fd);
	d->result = run_subinterpreter_in_worker_thread(isolated ?
		&primitive_isolated :
		&primitive_legacy,
	    text, d->e);
}

/* The line with the message, or the first. */
static void
keep_said(struct gate *g, int fd)
{
	char text[8192], *at, *end;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	fputs(text, stderr);
	at = strstr(text, GATE_MESSAGE);
	g->refused = at != NULL;
	while (at != NULL && at > text && at[-1] != '\n')
		at--;
	if (at == NULL)
		at = text;
	end = strchrnul(at, '\n');
	snprintf(g->said, sizeof(g->said), "%.*s", (int)(end - at), at);
}

static int
try_with(struct gate *g, struct lab *l, struct errand *d)
{
	char text[32] = "";
	pid_t pid;

	lab_in_worker(l, fork_in_subinterpreter, d);
	if (d->result == 0 && pread(d->pid_fd, text, sizeof(text) - 1, 0) <= 0)
		d->result = err_set(d->e, ERR_SYSTEM, "no pid was told");
	if (d->result == 0) {
		pid = (pid_t)strtol(text, NULL, 10);
		g->refused = wait_for_child(pid, (struct ending)GATE_ENDING,
		    g->ended, sizeof(g->ended));
	}
	return d->result;
}

int
gate_try(struct gate *g, const struct setting *s, struct err *e)
{
	struct lab l;
	struct errand d = { .setting = s, .e = e };
	int said = memfd_create("said", MFD_CLOEXEC);
	int keep = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	bool died;
	int r;

	d.pid_fd = memfd_create("pid", MFD_CLOEXEC);
	if (said == -1 || d.pid_fd == -1 || keep == -1)
		return err_sys(e, errno, "make a file in memory");
	if (lab_start(&l, s, e) == -1)
		return -1;
	*g = (struct gate){ .refused = false };
	/* As in trial_main. */
	prctl(PR_SET_DUMPABLE, 0);
	fflush(stderr);
	dup2(said, STDERR_FILENO);
	r = try_with(g, &l, &d);
	dup2(keep, STDERR_FILENO);
	if (r == -1)
		return -1;
	died = g->refused;
	keep_said(g, said);
	g->refused = g->refused && died;
	return 0;
}
