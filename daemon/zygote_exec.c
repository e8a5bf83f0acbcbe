#include "daemon/zygote_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/account.h"
#include "daemon/limits_raise.h"
#include "daemon/server.h"

extern char **environ;

#define ZYGOTE_FD 3
#define DIGITS 12 /* of a uid, with its NUL */

/* All that the new process needs, made before the vfork. */
struct plan {
	const char *path;
	char *const *argv, *const *env;
	int null, sock;
	bool no_new_privs;
	const struct own_limits *limits;
	const struct limits *raised;
	int oom;
	int failed; /* errno of the step that failed */
};

/* What tells systemd's own business with the daemon. */
static bool
is_ours(const char *var)
{
	static const char *const prefixes[] = { "NOTIFY_SOCKET=", "WATCHDOG_",
		"LISTEN_", "CREDENTIALS_DIRECTORY=", "INVOCATION_ID=",
		"JOURNAL_STREAM=", "SYSTEMD_EXEC_PID=", "MANAGERPID",
		"MEMORY_PRESSURE_", "FDSTORE=", NULL };

	for (const char *const *p = prefixes; *p != NULL; p++)
		if (strncmp(var, *p, strlen(*p)) == 0)
			return true;
	return false;
}

/* What another user's programs need of it; the rest, the daemon's and whoever
 * started that, is none of his business. */
static bool
is_everybodys(const char *var)
{
	static const char *const prefixes[] = {
		"PATH=", "LANG=", "LANGUAGE=", "LC_", "TZ=", NULL
	};

	for (const char *const *p = prefixes; *p != NULL; p++)
		if (strncmp(var, *p, strlen(*p)) == 0)
			return true;
	return false;
}

/* The caller frees the array, not the strings. */
static char **
zygote_env(const struct account *as)
{
	size_t n = 0, k = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = calloc(n + 1, sizeof(*env));
	for (size_t i = 0; env != NULL && i < n; i++)
		if (as != NULL ? is_everybodys(environ[i]) :
				 !is_ours(environ[i]))
			env[k++] = environ[i];
	return env;
}

/* In the child of the vfork, in the parent's memory: system calls only. */
[[noreturn]] static void
become(struct plan *p)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL); /* fails for a few, rightly */
	setsid();
	if (dup2(p->null, 0) != -1 && dup2(2, 1) != -1 &&
	    (p->sock == ZYGOTE_FD ? fcntl(p->sock, F_SETFD, 0) :
				    dup2(p->sock, ZYGOTE_FD)) != -1 &&
	    close_range(ZYGOTE_FD + 1, ~0u, 0) != -1 &&
	    own_limits_give_back(p->limits) != -1 &&
	    limits_raise(p->raised, p->oom) != -1 &&
	    (!p->no_new_privs ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != -1)) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execve(p->path, p->argv, p->env);
	}
	p->failed = errno;
	_exit(127);
}

/* A vfork, since a fork of the daemon would copy its page tables.  All signals
 * are blocked meanwhile: a handler of ours must not run in the child. */
[[gnu::noinline]] static pid_t
start(struct plan *p)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	pid = vfork();
	if (pid == 0)
		become(p);
	if (pid == -1)
		p->failed = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid;
}

/* With all texts in one block: the caller frees it. */
static char **
zygote_argv(char *path, const struct account *as)
{
	static char option[] = "--as";
	size_t n = as != NULL ? as->ngroups + 2 : 0;
	char **argv = calloc(n + 3, sizeof(*argv) + DIGITS);
	char *digits = (char *)(argv + n + 3);

	if (argv == NULL)
		return NULL;
	argv[0] = path;
	if (as != NULL)
		argv[1] = option;
	for (size_t i = 0; i < n; i++, digits += DIGITS) {
		snprintf(digits, DIGITS, "%u",
		    i == 0     ? as->uid :
			i == 1 ? as->gid :
				 as->groups[i - 2]);
		argv[i + 2] = digits;
	}
	return argv;
}

pid_t
zygote_exec(const struct server *srv, const struct zygote_plan *z,
    struct err *e)
{
	char *path = srv->cfg->server.zygote;
	char **argv = zygote_argv(path, z->as), **env = zygote_env(z->as);
	struct plan p = {
		.path = path,
		.argv = argv,
		.env = env,
		.null = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.sock = z->sock,
		.no_new_privs = z->no_new_privs,
		.limits = &srv->limits,
		.raised = z->raised,
		.oom = own_limits_oom(&srv->limits),
	};
	pid_t pid = -1;

	if (argv == NULL || env == NULL)
		err_memory(e, "a zygote's arguments");
	else if (p.null == -1)
		err_sys(e, errno, "open /dev/null");
	else if ((pid = start(&p)) == -1 || p.failed != 0)
		err_sys(e, p.failed, "run the zygote \"%s\"", path);
	if (p.null != -1)
		close(p.null);
	free(argv);
	free(env);
	if (p.failed == 0)
		return pid;
	if (pid != -1)
		waitpid(pid, NULL, 0); /* has exited: see start() */
	return -1;
}
