#include "daemon/zygote/title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char *area;
static size_t room;

void
title_init(int argc, char **argv)
{
	char *end = argv[0], **env;
	size_t n;

	for (int i = 0; i < argc; i++)
		if (argv[i] == end)
			end += strlen(end) + 1;
	for (n = 0; environ[n] != NULL; n++)
		if (environ[n] == end)
			end += strlen(end) + 1;
	env = calloc(n + 1, sizeof(*env));
	if (env == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		env[i] = strdup(environ[i]);
		if (env[i] == NULL) {
			while (i > 0)
				free(env[--i]);
			free(env);
			return;
		}
	}
	environ = env;
	area = argv[0];
	room = end - argv[0];
}

static void
set_name(const char *name)
{
	char comm[16] = "";

	for (size_t i = 0; i + 1 < sizeof(comm) && name[i] != '\0'; i++)
		comm[i] = strchr(" ()\n", name[i]) != NULL ? '-' : name[i];
	prctl(PR_SET_NAME, comm);
}

void
title_set(const char *text, const char *name)
{
	size_t n = strlen(text);

	set_name(name);
	if (room == 0)
		return;
	if (n > room - 1)
		n = room - 1;
	/* One line, of whatever program it is. */
	for (size_t i = 0; i < n; i++)
		area[i] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
	/* NULs to the end: the kernel shows the area as it stands. */
	memset(area + n, '\0', room - n);
}

void
title_kind(const char *kind, const char *template, bool cold)
{
	char title[128], name[32];

	snprintf(name, sizeof(name), "forkserver-%s", kind);
	snprintf(title, sizeof(title), "%s: %s%s", name, template,
	    cold ? " (cold)" : "");
	title_set(title, name);
}
