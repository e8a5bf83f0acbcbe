#include "daemon/zygote/doctor/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/zygote/doctor/survivors.h"
#include "proto/clock.h"

#define ANSWER_FD 3

static const char answers[] = "+-?"; /* enum trial_answer as a character */

/* --- inside --------------------------------------------------------------- */

static _Noreturn void
answer(enum trial_answer a, const char *text)
{
	fflush(NULL);
	if (dprintf(ANSWER_FD, "%c%s", answers[a], text) < 0)
		_exit(1);
	/* Without Python's finalisation, as a zygote ends. */
	_exit(0);
}

void
trial_main(char **args)
{
	const struct setting s = {
		.mode = args[1],
		.module = args[2][0] != '\0' ? args[2] : NULL,
		.path = args[3][0] != '\0' ? args[3] : NULL,
	};
	const struct experiment *x = experiment_find(scenarios, args[0]);
	struct finding f = { .yes = false };
	struct err e;

	prctl(PR_SET_NAME, "doctor-trial");
	/* The parent may have died already; then nobody reads the answer. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	fcntl(ANSWER_FD, F_SETFD, FD_CLOEXEC);
	if (x == NULL)
		x = experiment_find(audits, args[0]);
	if (x == NULL)
		x = &audit_module;
	/* A death that is meant: no core, and none for a crash reporter that
	 * core_pattern may name, which RLIMIT_CORE does not stop. */
	if (x->death_answers)
		prctl(PR_SET_DUMPABLE, 0);
	if (x->run(&s, &f, &e) == -1)
		answer(TRIAL_UNKNOWN, e.msg);
	answer(f.yes ? TRIAL_YES : TRIAL_NO, f.text);
}

/* --- outside -------------------------------------------------------------- */

struct process {
	pid_t pid;
	int pidfd;
	int output, answer; /* our ends; -1 once at their end */
};

static int
spawn(struct process *p, char *const argv[], int output, int answer_end)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, 1);
	posix_spawn_file_actions_adddup2(&files, output, 2);
	posix_spawn_file_actions_adddup2(&files, answer_end, ANSWER_FD);
	r = posix_spawn(&p->pid, "/proc/self/exe", &files, &attr, argv,
	    environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

/* Both pipes' ends are above ANSWER_FD, as dup2 onto itself would leave
 * CLOEXEC on it. */
static int
make_pipe(int fd[2])
{
	int low[2];

	if (pipe2(low, O_CLOEXEC) == -1)
		return -1;
	for (int i = 0; i < 2; i++) {
		fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, ANSWER_FD + 1);
		close(low[i]);
	}
	return fd[0] == -1 || fd[1] == -1 ? -1 : 0;
}

static int
start(struct process *p, char *const argv[], struct err *e)
{
	int out[2] = { -1, -1 }, ans[2] = { -1, -1 };
	int r = -1;

	*p = (struct process){ .pidfd = -1, .output = -1, .answer = -1 };
	if (make_pipe(out) == -1 || make_pipe(ans) == -1)
		err_sys(e, errno, "make a pipe");
	else if ((r = spawn(p, argv, out[1], ans[1])) != 0)
		r = err_sys(e, r, "start a trial");
	if (r == 0 && (p->pidfd = pidfd_open(p->pid, 0)) == -1) {
		r = err_sys(e, errno, "watch a trial");
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	close(out[1]);
	close(ans[1]);
	p->output = out[0];
	p->answer = ans[0];
	return r;
}

/* Reads what is there; what does not fit into BUF is dropped. */
static void
drain(int *fd, char *buf, size_t size, size_t *at)
{
	char spill[4096];
	bool full = *at == size - 1;
	ssize_t n = full ? read(*fd, spill, sizeof(spill)) :
			   read(*fd, buf + *at, size - 1 - *at);

	if (n <= 0) {
		close(*fd);
		*fd = -1;
	} else if (!full) {
		*at += n;
	}
}

/* Until the process has ended and its pipes are empty, or the time is over.
 * Returns whether it has ended. */
static bool
hear(struct process *p, struct trial *t, char *said, size_t size,
    uint64_t until)
{
	struct pollfd fds[3];
	size_t n = 0;
	bool ended = false;

	while (!ended || p->output != -1 || p->answer != -1) {
		uint64_t now = clock_ns();
		int r;

		if (now >= until)
			break;
		fds[0] = (struct pollfd){ p->output, POLLIN, 0 };
		fds[1] = (struct pollfd){ p->answer, POLLIN, 0 };
		fds[2] = (struct pollfd){ ended ? -1 : p->pidfd, POLLIN, 0 };
		r = poll(fds, 3, (int)((until - now) / 1000000) + 1);
		if (r <= 0)
			continue;
		if (fds[0].revents != 0)
			drain(&p->output, t->output, sizeof(t->output),
			    &t->output_n);
		if (fds[1].revents != 0)
			drain(&p->answer, said, size, &n);
		if (fds[2].revents != 0) {
			ended = true;
			/* Else they hold the pipes. */
			survivors_kill(p->pid);
		}
	}
	said[n] = '\0';
	return ended;
}

/* What a process said last, of which it may have died. */
static void
add_last_words(struct trial *t)
{
	size_t end = t->output_n, begin, at = strlen(t->found);

	while (end > 0 && t->output[end - 1] == '\n')
		end--;
	for (begin = end; begin > 0 && t->output[begin - 1] != '\n'; begin--)
		;
	if (begin < end)
		snprintf(t->found + at, sizeof(t->found) - at, ": %.*s",
		    (int)(end - begin), t->output + begin);
}

static void
judge(struct trial *t, const struct experiment *x, int status, const char *said)
{
	const char *a = said[0] != '\0' ? strchr(answers, said[0]) : NULL;
	const char *name;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && a != NULL) {
		t->answer = (enum trial_answer)(a - answers);
		snprintf(t->found, sizeof(t->found), "%s", said + 1);
		return;
	}
	t->answer = x->death_answers ? TRIAL_YES : TRIAL_UNKNOWN;
	if (WIFSIGNALED(status)) {
		/* That comes from outside, as from the kernel out of memory. */
		if (WTERMSIG(status) == SIGKILL)
			t->answer = TRIAL_UNKNOWN;
		name = sigabbrev_np(WTERMSIG(status));
		snprintf(t->found, sizeof(t->found),
		    "the process died of SIG%s", name != NULL ? name : "?");
	} else {
		snprintf(t->found, sizeof(t->found),
		    "the process exited with %d before it had answered",
		    WEXITSTATUS(status));
	}
	add_last_words(t);
}

void
trial_init(void)
{
	/* Ignored, as some starters leave it, it would take our statuses. */
	signal(SIGCHLD, SIG_DFL);
	survivors_init();
}

void
trial_run(struct trial *t, const struct experiment *x, const struct setting *s,
    uint64_t limit_ns)
{
	char *const argv[] = { (char *)"forkserver-zygote", (char *)"--doctor",
		(char *)"--trial", (char *)x->name, (char *)s->mode,
		(char *)(s->module != NULL ? s->module : ""),
		(char *)(s->path != NULL ? s->path : ""), NULL };
	char said[sizeof(t->found)];
	uint64_t begun = clock_ns();
	struct process p;
	struct err e;
	int status;

	*t = (struct trial){ .answer = TRIAL_UNKNOWN };
	if (x->limit_s != 0 && x->limit_s * UINT64_C(1000000000) < limit_ns)
		limit_ns = x->limit_s * UINT64_C(1000000000);
	if (start(&p, argv, &e) == -1) {
		snprintf(t->found, sizeof(t->found), "%s", e.msg);
	} else if (hear(&p, t, said, sizeof(said), begun + limit_ns)) {
		waitpid(p.pid, &status, 0);
		judge(t, x, status, said);
	} else {
		t->answer = x->death_answers ? TRIAL_YES : TRIAL_UNKNOWN;
		snprintf(t->found, sizeof(t->found),
		    "no end within %.0f seconds; killed", limit_ns / 1e9);
		kill(p.pid, SIGKILL);
		waitpid(p.pid, NULL, 0);
	}
	survivors_kill(-1);
	close(p.output);
	close(p.answer);
	close(p.pidfd);
	t->ns = clock_ns() - begun;
}
