#include "daemon/zygote/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/zygote/owner.h"
#include "proto/allow.h"

static const char *const names[] = ALLOW_NAMES;

static bool
allowed(const struct audit *a, enum allow_class class)
{
	if (class == ALLOW_NONE)
		return true;
	for (char **p = a->allow; *p != NULL; p++)
		if (strcmp(*p, names[class]) == 0)
			return true;
	return false;
}

void
audit_warn(struct audit *a, const char *fmt, ...)
{
	va_list ap;

	if (a->nwarnings == AUDIT_MAX_WARNINGS)
		return;
	va_start(ap, fmt);
	if (vasprintf(&a->warnings[a->nwarnings], fmt, ap) != -1)
		a->nwarnings++;
	va_end(ap);
}

/* Calls SEE for each number in a folder of /proc, until one returns -1. */
static int
each(const char *path, struct audit *a, const char *what,
    int (*see)(struct audit *, const char *what, int number, struct err *),
    struct err *e)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int r = 0;

	if (dir == NULL)
		return err_sys(e, errno, "open \"%s\"", path);
	while (r == 0 && (d = readdir(dir)) != NULL) {
		int number = atoi(d->d_name);

		if (d->d_name[0] != '.' && number != dirfd(dir))
			r = see(a, what, number, e);
	}
	closedir(dir);
	return r;
}

/* --- descriptors --------------------------------------------------------- */

/* Devices that have no state. */
static bool
is_plain_device(dev_t dev)
{
	static const unsigned minors[] = { 3, 5, 7, 8, 9 };

	/* null, zero, full, random, urandom: devices.txt of Linux. */
	for (size_t i = 0; i < sizeof(minors) / sizeof(*minors); i++)
		if (dev == makedev(1, minors[i]))
			return true;
	return false;
}

static enum allow_class
class_of(int fd, const struct stat *st, const char *name)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFSOCK:
		return ALLOW_SOCKETS;
	case S_IFIFO:
		return ALLOW_PIPES;
	case S_IFBLK:
		return ALLOW_DEVICES;
	case S_IFCHR:
		return is_plain_device(st->st_rdev) ? ALLOW_NONE :
						      ALLOW_DEVICES;
	case S_IFDIR:
		return ALLOW_NONE;
	case S_IFREG:
		/* libffi's closures live there: rule 11 of CPYTHON.md. */
		if (strncmp(name, "/memfd:libffi", 13) == 0)
			return ALLOW_NONE;
		return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ?
		    ALLOW_NONE :
		    ALLOW_FILES;
	default:
		return ALLOW_EVENTS; /* epoll and its like have no type */
	}
}

static int
see_own_fd(struct audit *a, const char *, int fd, struct err *e)
{
	return fd > FDS_CONTROL ? fds_keep(&a->before, fd, e) : 0;
}

static int
see_fd(struct audit *a, const char *what, int fd, struct err *e)
{
	char path[64], name[512];
	enum allow_class class;
	struct stat st;
	ssize_t n;

	if (fd <= FDS_CONTROL || fds_kept_has(&a->before, fd) ||
	    fds_kept_has(&a->kept, fd) || fstat(fd, &st) == -1)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	class = class_of(fd, &st, name);
	if (!allowed(a, class))
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "%s leaves descriptor %d open, %s; "
		    "allow = [\"%s\"] of the template keeps it for its "
		    "children",
		    what, fd, name, names[class]);
	if (class != ALLOW_NONE)
		audit_warn(a,
		    "%s leaves descriptor %d open, %s: children share it", what,
		    fd, name);
	return fds_keep(&a->kept, fd, e);
}

/* --- threads ------------------------------------------------------------- */

static bool
is_known_thread(const struct audit *a, pid_t tid)
{
	for (unsigned i = 0; i < a->nthreads; i++)
		if (a->threads[i] == tid)
			return true;
	return false;
}

static int
pass_thread(struct audit *a, const char *, int tid, struct err *e)
{
	if (a->nthreads == AUDIT_MAX_THREADS)
		return err_set(e, ERR_TEMPLATE_FAILED, "more than %d threads",
		    AUDIT_MAX_THREADS);
	a->threads[a->nthreads++] = tid;
	return 0;
}

static int
see_thread(struct audit *a, const char *what, int tid, struct err *e)
{
	char owner[256];

	if (is_known_thread(a, tid))
		return 0;
	owner_of_thread(tid, owner, sizeof(owner));
	/* OpenBLAS ends its threads before a fork and starts them anew when
	 * they are needed, in parent and child (its pthread_atfork handlers).
	 */
	if (strstr(owner, "openblas") == NULL && !allowed(a, ALLOW_THREADS))
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "%s leaves a thread of %s running, which no child has; "
		    "allow = [\"threads\"] of the template lets it",
		    what, owner);
	audit_warn(a, "%s leaves a thread of %s running, which no child has",
	    what, owner);
	return pass_thread(a, what, tid, e);
}

int
audit_begin(struct audit *a, char **allow, struct err *e)
{
	*a = (struct audit){ .allow = allow };
	if (each("/proc/self/fd", a, "", see_own_fd, e) == -1)
		return -1;
	return each("/proc/self/task", a, "", pass_thread, e);
}

int
audit_again(struct audit *a, const char *what, struct err *e)
{
	if (each("/proc/self/fd", a, what, see_fd, e) == -1)
		return -1;
	return each("/proc/self/task", a, what, see_thread, e);
}
