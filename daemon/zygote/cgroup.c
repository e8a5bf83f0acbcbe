#include "daemon/zygote/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int
put(const char *path, const char *file, const char *what)
{
	char name[PATH_MAX];
	int fd, r;

	snprintf(name, sizeof(name), "%s/%s", path, file);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = write(fd, what, 1) == 1 ? 0 : -1;
	close(fd);
	return r;
}

int
cgroup_enter(const char *path, int procs, struct err *e)
{
	if (procs != -1 ? write(procs, "0", 1) == 1 :
			  put(path, "cgroup.procs", "0") == 0)
		return 0;
	return err_sys(e, errno, "enter the control group \"%s\"", path);
}

void
cgroup_kill(const char *path)
{
	put(path, "cgroup.kill", "1"); /* gone where it fails */
}
