#include "daemon/orphan.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_ours(pid_t pid)
{
	char path[64], buf[512], *p;
	FILE *f;
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	/* The name, in parentheses, may hold anything. */
	if (fgets(buf, sizeof(buf), f) != NULL &&
	    (p = strrchr(buf, ')')) != NULL)
		sscanf(p + 1, " %*c %d", &ppid);
	fclose(f);
	return ppid == getpid();
}

static bool
holds(pid_t pid, const struct stat *sock)
{
	char dir[64], path[400];
	struct dirent *d;
	struct stat st;
	bool found = false;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", (int)pid);
	fds = opendir(dir);
	if (fds == NULL)
		return false;
	while (!found && (d = readdir(fds)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		found = stat(path, &st) == 0 && st.st_dev == sock->st_dev &&
		    st.st_ino == sock->st_ino;
	}
	closedir(fds);
	return found;
}

pid_t
orphan_find(int end)
{
	struct stat sock;
	struct dirent *d;
	pid_t pid = 0;
	DIR *proc;

	if (fstat(end, &sock) == -1 || (proc = opendir("/proc")) == NULL)
		return 0;
	while (pid == 0 && (d = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		pid = atoi(d->d_name);
		if (!is_ours(pid) || !holds(pid, &sock))
			pid = 0;
	}
	closedir(proc);
	return pid;
}
