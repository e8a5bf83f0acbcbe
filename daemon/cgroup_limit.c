#include "daemon/cgroup_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/server.h"

static int
put(const char *dir, const char *name, const char *text, struct err *e)
{
	char path[PATH_MAX];
	size_t n = strlen(text);
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	/* Of memory.max newer kernels then leave the reclaiming to those who
	 * take more. */
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || write(fd, text, n) != (ssize_t)n)
		r = err_sys(e, errno, "write \"%s\" to \"%s\"", text, path);
	if (fd != -1)
		close(fd);
	return r;
}

/* 1: the file, a line of words, has this one; 0: not; -1 with E filled. */
static int
has_word(const char *dir, const char *name, const char *word, struct err *e)
{
	char path[PATH_MAX], line[512], *save = NULL, *w;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1)
		n = read(fd, line, sizeof(line) - 1);
	if (n == -1)
		err_sys(e, errno, "read \"%s\"", path);
	if (fd != -1)
		close(fd);
	if (n == -1)
		return -1;
	line[n] = '\0';
	for (w = strtok_r(line, " \n", &save); w != NULL;
	    w = strtok_r(NULL, " \n", &save))
		if (strcmp(w, word) == 0)
			return 1;
	return 0;
}

static int
ready(const char *base, const char *controller, const char *key, struct err *e)
{
	char order[32];
	int r = has_word(base, "cgroup.subtree_control", controller, e);

	if (r != 0)
		return r == 1 ? 0 : -1;
	r = has_word(base, "cgroup.controllers", controller, e);
	if (r == 0)
		return err_key(e, key,
		    "\"%s\" takes the controller \"%s\", which the control "
		    "group \"%s\" has not",
		    key, controller, base);
	snprintf(order, sizeof(order), "+%s", controller);
	return r == 1 ? put(base, "cgroup.subtree_control", order, e) : -1;
}

int
cgroup_limit_ready(const char *base, const struct group_limits *l,
    const char *prefix, struct err *e)
{
	char key[sizeof(e->key)];

	for (int i = 0; i < GROUP_LIMITS; i++) {
		if (l->value[i] == 0)
			continue;
		snprintf(key, sizeof(key), "%s%s", prefix, group_limit_name(i));
		if (base == NULL)
			return err_key(e, key,
			    "\"%s\" takes the controller \"%s\", and the "
			    "daemon has no control group of its own to divide "
			    "(server.cgroup)",
			    key, group_limit_controller(i));
		if (ready(base, group_limit_controller(i), key, e) == -1)
			return -1;
	}
	return 0;
}

int
cgroup_limit_template(const struct server *srv, const struct config_template *t,
    struct err *e)
{
	char prefix[sizeof(e->key)];

	snprintf(prefix, sizeof(prefix), "template.%s.", t->name);
	if (cgroup_limit_ready(srv->cgroups.base, &t->limits.group, prefix,
		e) == 0)
		return 0;
	if (e->code == ERR_INVALID_PARAMS)
		e->code = ERR_TEMPLATE_FAILED;
	return -1;
}

int
cgroup_limit(const char *path, const struct group_limits *l, struct err *e)
{
	char word[24];

	for (int i = 0; i < GROUP_LIMITS; i++)
		if (l->value[i] != 0 &&
		    put(path, group_limit_file(i),
			group_limit_word(l->value[i], word), e) == -1)
			return -1;
	return 0;
}
