#include "daemon/fdcloser.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static int pipe_in = -1;

static void *
closer_main(void *arg)
{
	int out = *(int *)arg, fds[256];
	ssize_t n;

	/* Writes of one int are atomic, so reads come out whole. */
	while ((n = read(out, fds, sizeof(fds))) > 0)
		for (size_t i = 0; i < n / sizeof(*fds); i++)
			close(fds[i]);
	return NULL;
}

int
fdcloser_init(struct err *e)
{
	static int out;
	int p[2], r;
	sigset_t all, old;
	pthread_t tid;

	if (pipe2(p, O_CLOEXEC) == -1)
		return err_sys(e, errno, "make the pipe of the fd closer");
	if (fcntl(p[1], F_SETFL, O_NONBLOCK) == -1)
		return err_sys(e, errno, "set the fd closer's pipe");
	out = p[0];
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&tid, NULL, closer_main, &out);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return err_sys(e, r, "start the fd closer");
	pthread_detach(tid);
	pipe_in = p[1];
	return 0;
}

void
fdcloser_close(int fd)
{
	if (pipe_in == -1 || write(pipe_in, &fd, sizeof(fd)) != sizeof(fd))
		close(fd);
}
