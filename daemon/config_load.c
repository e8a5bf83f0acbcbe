#include "daemon/config_load.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/frame.h"

extern char **environ;

/* Runs `zygote --read-config file`; 0 and its wait status, or an errno. */
static int
run_reader(const char *zygote, const char *file, int out, int err, int *status)
{
	char option[] = "--read-config";
	char *argv[] = { (char *)zygote, option, (char *)file, NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, err, 2);
	r = posix_spawn(&pid, zygote, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (r != 0)
		return r;
	while (waitpid(pid, status, 0) == -1)
		if (errno != EINTR)
			return errno;
	return 0;
}

/* The whole of a memfd; the caller frees it. */
static char *
slurp(int fd, size_t max, size_t *n)
{
	struct stat st;
	char *p;
	ssize_t r;

	if (fstat(fd, &st) == -1 || (size_t)st.st_size > max)
		return NULL;
	p = malloc(st.st_size + 1);
	if (p == NULL)
		return NULL;
	r = pread(fd, p, st.st_size, 0);
	*n = r > 0 ? r : 0;
	p[*n] = '\0';
	return p;
}

static int
apply(struct config *c, const char *p, size_t n, struct err *e)
{
	struct frame_scan scan = { 0 };
	msgpack_unpacked u;
	size_t len, at = 0;
	int r = -1;

	if (frame_scan(&scan, (const uint8_t *)p, n, &frame_limits_default,
		&len, e) != 1)
		return err_set(e, ERR_INTERNAL, "its reader wrote no map");
	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, p, len, &at) == MSGPACK_UNPACK_SUCCESS)
		r = config_set_all(c, &u.data, e);
	else
		err_set(e, ERR_INTERNAL, "its reader wrote no map");
	msgpack_unpacked_destroy(&u);
	return r;
}

static int
read_file(struct config *c, const char *zygote, const char *file, struct err *e)
{
	int out = memfd_create("config", MFD_CLOEXEC);
	int err = memfd_create("config-errors", MFD_CLOEXEC);
	int status, r = -1, why;
	char *p = NULL;
	size_t n = 0;

	if (out == -1 || err == -1) {
		err_sys(e, errno, "make a memfd");
		goto out;
	}
	why = run_reader(zygote, file, out, err, &status);
	if (why != 0) {
		err_sys(e, why, "run %s to read it", zygote);
		goto out;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		p = slurp(err, SIZE_MAX / 2, &n);
		while (n > 0 && p[n - 1] == '\n')
			p[--n] = '\0';
		err_set(e, ERR_INVALID_PARAMS, "%s",
		    n > 0 ? p : "its reader failed and said nothing");
		goto out;
	}
	p = slurp(out, frame_limits_default.max_bytes, &n);
	r = p != NULL ? apply(c, p, n, e) :
			err_set(e, ERR_LIMIT, "it is too large");
out:
	free(p);
	if (out != -1)
		close(out);
	if (err != -1)
		close(err);
	return r;
}

/* The first file there is, or NULL.  The caller frees it. */
static char *
find_file(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *s = NULL;

	if (xdg != NULL && xdg[0] == '/') {
		if (asprintf(&s, "%s/forkserverd.toml", xdg) == -1)
			s = NULL;
	} else if (home != NULL && home[0] == '/') {
		if (asprintf(&s, "%s/.config/forkserverd.toml", home) == -1)
			s = NULL;
	}
	if (s != NULL && access(s, F_OK) == 0)
		return s;
	free(s);
	if (access("/etc/forkserverd.toml", F_OK) == 0)
		return strdup("/etc/forkserverd.toml");
	return NULL;
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
config_load(struct config *c, const char *file, char *const *sets, size_t n,
    struct err *e)
{
	char *zygote = NULL;
	int r = 0;

	c->file = file != NULL ? strdup(file) : find_file();
	if (c->file != NULL) {
		zygote = reader_path(sets, n);
		r = zygote == NULL ? err_set(e, ERR_SYSTEM, "no memory") :
				     read_file(c, zygote, c->file, e);
		if (r == -1)
			err_wrap(e, "file %s", c->file);
		free(zygote);
	}
	if (r == -1 || load_env(c, e) == -1 || load_sets(c, sets, n, e) == -1)
		return -1;
	return config_finish(c, e);
}
