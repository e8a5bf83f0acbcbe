/*
 * preload_fault: build/tests/fault.so, which makes system calls fail where
 * fault.h's memory says so, and tells build/tests/alloc.so whether allocations
 * do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fault.h"

#define EXPORTED [[gnu::visibility("default")]]

static struct fault *faults; /* this program's; NULL: none is to fail */

[[gnu::constructor]] static void
find_memory(void)
{
	const char *path = getenv(FAULT_VARIABLE);
	const char *name = program_invocation_short_name;
	enum fault_program p = FAULT_DAEMON;
	struct faults *all;
	int fd;

	if (strcmp(name, "forkserver-zygote") == 0)
		p = FAULT_ZYGOTE;
	else if (strcmp(name, "forkserverd") != 0)
		return;
	fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd == -1)
		abort(); /* a test that tests nothing */
	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	close(fd);
	if (all == MAP_FAILED)
		abort();
	faults = all->of[p];
}

EXPORTED bool
fault_fails(enum fault_call c)
{
	struct fault *f = faults != NULL ? &faults[c] : NULL;
	unsigned n;

	if (f == NULL || f->times == 0)
		return false;
	n = atomic_fetch_add(&f->seen, 1);
	if (n < f->first || n - f->first >= f->times)
		return false;
	atomic_fetch_add(&f->met, 1);
	errno = f->error;
	return true;
}

EXPORTED pid_t
fork(void)
{
	pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");

	return fault_fails(FAULT_FORK) ? -1 : real();
}

/* The child must not return into a frame that the parent's return has used: the
 * real one is jumped to. */
EXPORTED pid_t
vfork(void)
{
	pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "vfork");

	if (fault_fails(FAULT_FORK))
		return -1;
	[[gnu::musttail]] return real();
}

EXPORTED int
socketpair(int domain, int type, int protocol, int sv[2])
{
	int (*real)(int, int, int, int *) = (int (*)(int, int, int,
	    int *))dlsym(RTLD_NEXT, "socketpair");

	return fault_fails(FAULT_SOCKETPAIR) ? -1 :
					       real(domain, type, protocol, sv);
}

EXPORTED int
pipe2(int ends[2], int flags)
{
	int (*real)(int *, int) = (int (*)(int *, int))dlsym(RTLD_NEXT,
	    "pipe2");

	return fault_fails(FAULT_PIPE) ? -1 : real(ends, flags);
}

EXPORTED int
epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	int (*real)(int, int, int, struct epoll_event *) = (int (*)(int, int,
	    int, struct epoll_event *))dlsym(RTLD_NEXT, "epoll_ctl");

	if (op == EPOLL_CTL_ADD && fault_fails(FAULT_EPOLL))
		return -1;
	return real(ep, op, fd, ev);
}

EXPORTED int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	int (*real)(int, const char *, uint32_t) = (int (*)(int, const char *,
	    uint32_t))dlsym(RTLD_NEXT, "inotify_add_watch");

	return fault_fails(FAULT_INOTIFY) ? -1 : real(fd, path, mask);
}
