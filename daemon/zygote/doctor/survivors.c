#include "daemon/zygote/doctor/survivors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX 256

static pid_t foreign[MAX];
static unsigned nforeign;

/* Without CONFIG_PROC_CHILDREN the kernel tells of none. */
static unsigned
list_children(pid_t pids[MAX])
{
	char text[MAX * 12], *at = text, *end;
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd != -1 ? read(fd, text, sizeof(text) - 1) : 0;
	unsigned n = 0;

	close(fd);
	text[len > 0 ? len : 0] = '\0';
	while (n < MAX) {
		pid_t pid = (pid_t)strtol(at, &end, 10);

		/* A number that the buffer's end may have cut is left for the
		 * next look. */
		if (end == at || *end == '\0')
			break;
		pids[n++] = pid;
		at = end;
	}
	return n;
}

static bool
is_foreign(pid_t pid)
{
	for (unsigned i = 0; i < nforeign; i++)
		if (foreign[i] == pid)
			return true;
	return false;
}

void
survivors_init(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	nforeign = list_children(foreign);
}

void
survivors_kill(pid_t spared)
{
	pid_t pids[MAX];
	bool any;

	do {
		unsigned n = list_children(pids);

		any = false;
		for (unsigned i = 0; i < n; i++) {
			if (pids[i] == spared || is_foreign(pids[i]))
				continue;
			kill(pids[i], SIGKILL);
			any = waitpid(pids[i], NULL, 0) == pids[i] || any;
		}
	} while (any);
}
