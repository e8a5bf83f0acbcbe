#include "daemon/zygote/kid.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct kid *
kid_new(struct kids *kids, int epfd, uint64_t order, pid_t pid, struct err *e)
{
	struct kid *k = calloc(1, sizeof(*k));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = k };

	if (k != NULL) {
		*k = (struct kid){ .order = order, .pid = pid };
		/* Safe from reuse of the pid: nobody else reaps it. */
		k->pidfd = pidfd_open(pid, 0);
		if (k->pidfd != -1 &&
		    epoll_ctl(epfd, EPOLL_CTL_ADD, k->pidfd, &ev) == 0) {
			LIST_INSERT_HEAD(kids, k, link);
			return k;
		}
	}
	err_sys(e, errno, "watch child %d", (int)pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (k != NULL && k->pidfd != -1)
		close(k->pidfd);
	free(k);
	return NULL;
}

int
kid_reap(int epfd, struct kid *k, int *status, struct rusage *ru)
{
	/* By pid, never -1: a preload's own children are its own to reap. */
	if (wait4(k->pid, status, WNOHANG, ru) != k->pid)
		return 0;
	/* close alone would not end the watch: the daemon has a duplicate. */
	epoll_ctl(epfd, EPOLL_CTL_DEL, k->pidfd, NULL);
	close(k->pidfd);
	LIST_REMOVE(k, link);
	return 1;
}
