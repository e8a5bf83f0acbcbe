#include "daemon/zygote/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/spawn.h"

/* As it was started with; none is above that in a child. */
static struct rlimit before = { RLIM_INFINITY, RLIM_INFINITY };

void
fds_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	before = r;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r); /* a soft one can always be */
}

static bool reserved[FDS_CONTROL + 1];

int
fds_reserve_low(struct err *e)
{
	int fd;

	for (;;) {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd == -1)
			return err_sys(e, errno,
			    "reserve the descriptors "
			    "up to %d",
			    FDS_CONTROL);
		if (fd > FDS_CONTROL)
			break;
		reserved[fd] = true;
	}
	close(fd);
	return 0;
}

void
fds_release_low(void)
{
	for (int fd = 0; fd <= FDS_CONTROL; fd++) {
		if (reserved[fd])
			close(fd);
		reserved[fd] = false;
	}
}

bool
fds_kept_has(const struct fds_kept *k, int fd)
{
	for (unsigned i = 0; i < k->n; i++)
		if (k->fd[i] == fd)
			return true;
	return false;
}

/* Keeps the array sorted. */
int
fds_keep(struct fds_kept *k, int fd, struct err *e)
{
	unsigned i = k->n;

	if (k->n == FDS_MAX_KEPT)
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "the preloads left more "
		    "than %d descriptors open",
		    FDS_MAX_KEPT);
	for (; i > 0 && k->fd[i - 1] > fd; i--)
		k->fd[i] = k->fd[i - 1];
	k->fd[i] = fd;
	k->n++;
	return 0;
}

int
fds_begin(int null_fd, int control, const struct fds_kept *kept, struct err *e)
{
	unsigned from = FDS_CONTROL + 1;

	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null_fd, fd) == -1)
			return err_sys(e, errno, "put /dev/null at %d", fd);
	if (dup3(control, FDS_CONTROL, O_CLOEXEC) == -1)
		return err_sys(e, errno, "put the control socket at %d",
		    FDS_CONTROL);
	close_range(3, FDS_CONTROL - 1, 0);
	for (unsigned i = 0; i < kept->n; i++) {
		if ((unsigned)kept->fd[i] > from)
			close_range(from, kept->fd[i] - 1, 0);
		from = kept->fd[i] + 1;
	}
	close_range(from, ~0u, 0);
	if (before.rlim_max != RLIM_INFINITY &&
	    setrlimit(RLIMIT_NOFILE, &before) == -1)
		return err_sys(e, errno, "limit the descriptors");
	return 0;
}

/* Moves the N fds of FROM out of the way of all targets, into TMP. */
static int
lift(const int *from, int *tmp, unsigned n, unsigned *at, struct err *e)
{
	for (unsigned i = 0; i < n; i++) {
		*at = i;
		tmp[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FDS_CONTROL + 1);
		if (tmp[i] == -1)
			return err_sys(e, errno, "duplicate a descriptor");
		close(from[i]);
	}
	return 0;
}

int
fds_place(const int *from, const int *to, unsigned n, int *at, struct err *e)
{
	int tmp[SPAWN_JOB_FDS];
	unsigned bad = 0;
	bool clash = false;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < n; j++)
			clash = clash || to[i] == from[j];
	if (clash) {
		if (lift(from, tmp, n, &bad, e) == -1) {
			*at = to[bad];
			return -1;
		}
		from = tmp;
	}
	for (unsigned i = 0; i < n; i++) {
		if (from[i] < 0 || dup2(from[i], to[i]) == -1) {
			*at = to[i];
			return err_sys(e, errno, "put a descriptor at %d",
			    to[i]);
		}
		close(from[i]);
	}
	return 0;
}
