#include "daemon/zygote/kid.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/zygote/cgroup.h"
#include "proto/map.h"

struct kid *
kid_new(struct kids *kids, int epfd, struct order *o, pid_t pid, struct err *e)
{
	struct kid *k = calloc(1, sizeof(*k));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = k };

	if (k != NULL) {
		*k = (struct kid){ .order = *o, .pid = pid };
		/* Safe from reuse of the pid: nobody else reaps it. */
		k->pidfd = pidfd_open(pid, 0);
		if (k->pidfd != -1 &&
		    epoll_ctl(epfd, EPOLL_CTL_ADD, k->pidfd, &ev) == 0) {
			LIST_INSERT_HEAD(kids, k, link);
			*o = (struct order){ 0 };
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

static struct kid *
find(const struct kids *kids, uint64_t order)
{
	struct kid *k;

	LIST_FOREACH(k, kids, link)
	if (k->order.number == order)
		return k;
	return NULL;
}

void
kid_lease(struct kids *new, struct kids *kids, const msgpack_object *params)
{
	uint64_t order, grace_ns = 0;
	struct kid *k;
	struct map m;
	struct err e;
	int leased;

	if (map_init(&m, params, "lease", &e) == -1 ||
	    map_uint(&m, "order", MAP_REQUIRED, UINT64_MAX, &order) == -1 ||
	    (leased = map_uint(&m, "grace_ns", MAP_OPTIONAL, INT64_MAX,
		 &grace_ns)) == -1) {
		fprintf(stderr, "forkserver-zygote: the daemon: %s\n", e.msg);
		return;
	}
	k = find(new, order);
	if (k != NULL) {
		LIST_REMOVE(k, link);
		LIST_INSERT_HEAD(kids, k, link);
	} else {
		k = find(kids, order);
	}
	if (k != NULL) {
		k->order.leased = leased == 1;
		k->order.grace_ns = grace_ns;
	}
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

void
kid_kill(const struct kid *k)
{
	kill(-k->pid, SIGKILL);
	kill(k->pid, SIGKILL);
	if (k->order.cgroup != NULL)
		cgroup_kill(k->order.cgroup);
}

void
kid_free(struct kid *k)
{
	order_fini(&k->order);
	free(k);
}
