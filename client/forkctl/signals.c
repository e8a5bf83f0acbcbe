#include "client/forkctl/signals.h"

#include <signal.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int heard[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT,
	SIGWINCH };

int
signals_open(void)
{
	struct sigaction sa;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(heard) / sizeof(*heard); i++) {
		sigaction(heard[i], NULL, &sa);
		if (sa.sa_handler != SIG_IGN)
			sigaddset(&set, heard[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
signals_close(int fd)
{
	sigset_t set;

	close(fd);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(heard) / sizeof(*heard); i++)
		sigaddset(&set, heard[i]);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int
signals_next(int fd)
{
	struct signalfd_siginfo si;

	return read(fd, &si, sizeof(si)) == sizeof(si) ? (int)si.ssi_signo : 0;
}

void
signals_stop_job(void)
{
	sigset_t tstp, old;

	sigemptyset(&tstp);
	sigaddset(&tstp, SIGTSTP);
	kill(0, SIGTSTP);
	/* It stops here.  The kernel ignores it in an orphaned process group,
	 * where nobody would continue the job. */
	sigprocmask(SIG_UNBLOCK, &tstp, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

enum signals_action
signals_action(int pid, int sig)
{
	enum signals_action act = SIGNALS_DEFAULT;
	char path[32], line[128];
	uint64_t mask;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return act;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "SigIgn: %" SCNx64, &mask) == 1 &&
		    (mask >> (sig - 1) & 1) != 0)
			act = SIGNALS_IGNORED;
		else if (sscanf(line, "SigCgt: %" SCNx64, &mask) == 1 &&
		    (mask >> (sig - 1) & 1) != 0)
			act = SIGNALS_CAUGHT;
	}
	fclose(f);
	return act;
}
