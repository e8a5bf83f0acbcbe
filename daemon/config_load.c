#include "daemon/config_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/config_read.h"

extern char **environ;

/* *FILE is the first one there is, or NULL.  The caller frees it. */
static int
find_file(char **file, struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *s = NULL;
	int n = 0;

	if (xdg != NULL && xdg[0] == '/')
		n = asprintf(&s, "%s/forkserverd.toml", xdg);
	else if (home != NULL && home[0] == '/')
		n = asprintf(&s, "%s/.config/forkserverd.toml", home);
	if (n > 0 && access(s, F_OK) == 0) {
		*file = s;
		return 0;
	}
	if (n > 0)
		free(s);
	*file = NULL;
	if (n != -1 && access("/etc/forkserverd.toml", F_OK) == -1)
		return 0;
	if (n != -1)
		*file = strdup("/etc/forkserverd.toml");
	return *file != NULL ? 0 : err_memory(e, "the configuration's path");
}

/* The zygote reads the file that may name it, so here it comes from what
 * stands above the file. */
static char *
reader_path(char *const *sets, size_t n)
{
	const char *env = getenv("FORKSERVERD_SERVER_ZYGOTE");
	static const char key[] = "server.zygote=";

	for (size_t i = n; i-- > 0;)
		if (strncmp(sets[i], key, strlen(key)) == 0)
			return strdup(sets[i] + strlen(key));
	return env != NULL ? strdup(env) : config_default_zygote();
}

static int
load_env(struct config *c, struct err *e)
{
	char name[256], path[256];

	for (char **p = environ; *p != NULL; p++) {
		size_t n = strcspn(*p, "=");
		int r;

		if (strncmp(*p, "FORKSERVERD_", 12) != 0 || (*p)[n] == '\0' ||
		    n >= sizeof(name))
			continue;
		memcpy(name, *p, n);
		name[n] = '\0';
		r = config_path_of_env(c, name, path, sizeof(path), e);
		if (r == 1)
			r = config_set(c, path, *p + n + 1, e);
		if (r == -1)
			return err_wrap(e, "environment %s", name);
	}
	return 0;
}

static int
load_sets(struct config *c, char *const *sets, size_t n, struct err *e)
{
	char path[256];

	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(sets[i], "=");

		if (sets[i][len] == '\0' || len >= sizeof(path))
			return err_set(e, ERR_INVALID_PARAMS,
			    "--set %s: expected section.key=VALUE", sets[i]);
		memcpy(path, sets[i], len);
		path[len] = '\0';
		if (config_set(c, path, sets[i] + len + 1, e) == -1)
			return err_wrap(e, "command line");
	}
	return 0;
}

int
config_load_begin(struct config_reader *r, const struct config_source *s,
    struct err *e)
{
	char *file, *zygote;
	int ok;

	if (s->file == NULL && find_file(&file, e) == -1)
		return -1;
	if (s->file != NULL && (file = strdup(s->file)) == NULL)
		return err_memory(e, "the configuration's path");
	if (file == NULL)
		return 0;
	zygote = reader_path(s->sets, s->nsets);
	if (zygote == NULL) {
		free(file);
		return err_memory(e, "the zygote's path");
	}
	ok = config_reader_start(r, zygote, file, e);
	free(zygote);
	return ok;
}

int
config_load_end(struct config_reader *r, const struct config_source *s,
    int status, struct config *c, struct err *e)
{
	int ok = 0;

	if (r->file != NULL) {
		c->file = strdup(r->file);
		ok = config_reader_take(r, status, c, e);
	}
	if (ok == -1 || load_env(c, e) == -1 ||
	    load_sets(c, s->sets, s->nsets, e) == -1)
		return -1;
	return config_finish(c, e);
}

int
config_load(struct config *c, const struct config_source *s, struct err *e)
{
	struct config_reader r;
	int status = 0, ok;

	config_reader_init(&r);
	ok = config_load_begin(&r, s, e);
	while (ok == 0 && r.pid != 0 && waitpid(r.pid, &status, 0) == -1)
		if (errno != EINTR)
			ok = err_sys(e, errno, "wait for the reader of %s",
			    r.file);
	r.pid = 0;
	if (ok == 0)
		ok = config_load_end(&r, s, status, c, e);
	config_reader_fini(&r);
	return ok;
}
