#include "daemon/orphan.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/server.h"

/* A child has fewer at its birth; what others have is not our affair. */
#define FDS_MAX 4096

/* A socket of a process that is ours to find. */
struct orphan {
	dev_t dev;
	ino_t ino;
	pid_t pid;
};

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
add(struct orphans *os, pid_t pid, const struct stat *st)
{
	size_t max = os->max == 0 ? 64 : os->max * 2;
	struct orphan *v;

	if (os->n == os->max) {
		v = reallocarray(os->v, max, sizeof(*v));
		if (v == NULL)
			return false;
		os->v = v;
		os->max = max;
	}
	os->v[os->n++] = (struct orphan){ st->st_dev, st->st_ino, pid };
	return true;
}

/* All of its sockets. */
static void
look_at(struct orphans *os, pid_t pid)
{
	char dir[64], path[400];
	struct dirent *d;
	struct stat st;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", (int)pid);
	fds = opendir(dir);
	if (fds == NULL)
		return;
	for (int i = 0; i < FDS_MAX && (d = readdir(fds)) != NULL; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		    !add(os, pid, &st))
			break;
	}
	closedir(fds);
}

static int
by_socket(const void *a, const void *b)
{
	const struct orphan *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev < y->dev ? -1 : x->dev > y->dev;
}

static void
look(struct server *srv)
{
	struct dirent *d;
	DIR *proc = opendir("/proc");

	srv->orphans.looked = true;
	while (proc != NULL && (d = readdir(proc)) != NULL) {
		pid_t pid = atoi(d->d_name);

		if (pid > 0 && table_get(&srv->children.by_pid, pid) == NULL &&
		    is_ours(pid))
			look_at(&srv->orphans, pid);
	}
	if (proc != NULL)
		closedir(proc);
	if (srv->orphans.n > 0)
		qsort(srv->orphans.v, srv->orphans.n, sizeof(*srv->orphans.v),
		    by_socket);
}

pid_t
orphan_find(struct server *srv, int end)
{
	struct orphans *os = &srv->orphans;
	struct orphan key, *found;
	struct stat st;

	if (fstat(end, &st) == -1)
		return 0;
	if (!os->looked)
		look(srv);
	if (os->n == 0)
		return 0;
	key = (struct orphan){ st.st_dev, st.st_ino, 0 };
	found = bsearch(&key, os->v, os->n, sizeof(key), by_socket);
	return found != NULL ? found->pid : 0;
}

void
orphans_forget(struct orphans *os)
{
	free(os->v);
	*os = (struct orphans){ 0 };
}
