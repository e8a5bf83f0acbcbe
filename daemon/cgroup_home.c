#include "daemon/cgroup_home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/log.h"

/* The path within the hierarchy: the line "0::PATH". */
static bool
own_path(char path[PATH_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + 8], *end;
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strncmp(line, "0::/", 4) == 0;
	if (f != NULL)
		fclose(f);
	if (!found)
		return false;
	end = strchr(line, '\n');
	if (end != NULL)
		*end = '\0';
	strcpy(path, line + 3);
	/* Outside the root of a namespace nothing can be named. */
	return strncmp(path, "/..", 3) != 0;
}

/* A blank in a mount point stands as \040. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		unsigned c;

		if (s[0] == '\\' && sscanf(s + 1, "%3o", &c) == 1) {
			*to++ = c;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The folder that PATH is, where the hierarchy is mounted: NULL, or the
 * caller's to free. */
static char *
mounted(const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *found = NULL;
	size_t size = 0;

	while (f != NULL && getline(&line, &size, f) != -1) {
		char *root = NULL, *at = NULL, *s;
		const char *rest = path;
		struct stat st;

		if (strstr(line, " - cgroup2 ") != NULL &&
		    sscanf(line, "%*s %*s %*s %ms %ms", &root, &at) == 2) {
			unescape(root);
			unescape(at);
			if (strcmp(root, "/") != 0)
				rest = strncmp(path, root, strlen(root)) == 0 ?
				    path + strlen(root) :
				    NULL;
			/* One that is mounted over cannot be reached. */
			if (rest != NULL &&
			    asprintf(&s, "%s%s", at,
				strcmp(rest, "/") == 0 ? "" : rest) != -1) {
				if (stat(s, &st) == 0) {
					free(found);
					found = s;
				} else {
					free(s);
				}
			}
		}
		free(root);
		free(at);
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

/* As systemd marks what it hands over. */
static bool
delegated(const char *dir)
{
	char v[2];

	return (getxattr(dir, "user.delegate", v, sizeof(v)) == 1 ||
		   getxattr(dir, "trusted.delegate", v, sizeof(v)) == 1) &&
	    v[0] == '1';
}

/* A group may be divided only where no process is in it itself. */
static int
move_to_leaf(const char *base, struct err *e)
{
	char path[PATH_MAX];
	int fd, r;

	snprintf(path, sizeof(path), "%s/" CGROUP_LEAF, base);
	if (mkdir(path, 0755) == -1 && errno != EEXIST)
		return err_sys(e, errno, "make the control group \"%s\"", path);
	snprintf(path, sizeof(path), "%s/" CGROUP_LEAF "/cgroup.kill", base);
	if (access(path, W_OK) == -1) /* of Linux 5.14 */
		return err_sys(e, errno, "write to \"%s\"", path);
	snprintf(path, sizeof(path), "%s/" CGROUP_LEAF "/cgroup.procs", base);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	r = fd != -1 && write(fd, "0", 1) == 1 ?
	    0 :
	    err_sys(e, errno, "enter the control group \"%s\"", path);
	if (fd != -1)
		close(fd);
	return r;
}

/* What an earlier daemon's children have left, where it is empty. */
static void
sweep(const char *base)
{
	DIR *d = opendir(base);
	int fd = d != NULL ? dirfd(d) : -1;
	struct dirent *f;

	while (fd != -1 && (f = readdir(d)) != NULL)
		if (strncmp(f->d_name, CGROUP_CHILD, strlen(CGROUP_CHILD)) == 0)
			unlinkat(fd, f->d_name, AT_REMOVEDIR);
	if (d != NULL)
		closedir(d);
}

/* OWN, or where systemd has put the daemon in a leaf (DelegateSubgroup=), the
 * folder around it; is cut to that.  False: neither is marked. */
static bool
find_delegated(char *own, bool *in_leaf)
{
	char *slash = strrchr(own, '/');

	if (delegated(own))
		return true;
	if (slash == NULL || slash == own)
		return false;
	*slash = '\0';
	*in_leaf = delegated(own);
	return *in_leaf;
}

int
cgroup_home(int what, char **base, struct err *e)
{
	char path[PATH_MAX], *own = NULL;
	bool in_leaf = false;

	*base = NULL;
	if (what == CGROUP_OFF)
		return 0;
	if (own_path(path))
		own = mounted(path);
	if (own == NULL ||
	    (what == CGROUP_AUTO && !find_delegated(own, &in_leaf))) {
		free(own);
		if (what == CGROUP_AUTO)
			return 0;
		return err_set(e, ERR_INVALID_PARAMS,
		    "server.cgroup is \"on\", but no hierarchy of cgroup v2 "
		    "that this process is in is mounted");
	}
	if (!in_leaf && move_to_leaf(own, e) == -1) {
		free(own);
		if (what == CGROUP_ON)
			return err_wrap(e, "server.cgroup is \"on\""), -1;
		log_warn("op=cgroup: delegated, but of no use: %s", e->msg);
		return 0;
	}
	sweep(own);
	*base = own;
	return 0;
}
