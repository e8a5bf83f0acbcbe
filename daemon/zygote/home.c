#include "daemon/zygote/home.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "~" and "~/…" alone: the homes of others are not meant. */
static int
expand(char **path, const char *home, struct err *e)
{
	char *s;

	if (*path == NULL || (*path)[0] != '~' ||
	    ((*path)[1] != '/' && (*path)[1] != '\0'))
		return 0;
	if (asprintf(&s, "%s%s", home, *path + 1) == -1)
		return err_memory(e, "a path");
	free(*path);
	*path = s;
	return 0;
}

int
home_set(struct conf *c, struct err *e)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwuid(getuid());
	if (pw == NULL)
		return err_set(e, ERR_TEMPLATE_FAILED,
		    "uid %ju has no account here", (uintmax_t)getuid());
	if (setenv("HOME", pw->pw_dir, 1) == -1 ||
	    setenv("USER", pw->pw_name, 1) == -1 ||
	    setenv("LOGNAME", pw->pw_name, 1) == -1 ||
	    setenv("SHELL", pw->pw_shell[0] != '\0' ? pw->pw_shell : "/bin/sh",
		1) == -1)
		return err_sys(e, errno, "set the environment");
	for (char **p = c->path; *p != NULL; p++)
		if (expand(p, pw->pw_dir, e) == -1)
			return -1;
	return expand(&c->venv, pw->pw_dir, e);
}
