#include "daemon/zygote/doctor/audit_config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/zygote/readconfig.h"
#include "proto/map.h"

#define SITE_PACKAGES "/lib/python3.14/site-packages"

/* All that FD gives.  0, or -1 with E filled. */
static int
read_all(int fd, msgpack_sbuffer *to, struct err *e)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, errno, "read the configuration");
		if (msgpack_sbuffer_write(to, buf, n) == -1)
			return err_memory(e, "the configuration");
	}
	return 0;
}

/* FILE as MessagePack.  Why not is on standard error by then. */
static int
load(const char *file, msgpack_sbuffer *to, struct err *e)
{
	int fds[2], status, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return err_sys(e, errno, "make a pipe");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		_exit(readconfig_main(file));
	}
	close(fds[1]);
	r = pid != -1 ? read_all(fds[0], to, e) : err_sys(e, errno, "fork");
	close(fds[0]);
	if (pid != -1 && waitpid(pid, &status, 0) == pid && r == 0 &&
	    status != 0)
		r = err_set(e, ERR_INVALID_PARAMS, "cannot read \"%s\"", file);
	return r;
}

static void
join(char *to, size_t max, struct bytes dir, const char *more)
{
	size_t n = strlen(to);

	snprintf(to + n, max - n, "%s%.*s%s", n > 0 ? ":" : "", (int)dir.n,
	    dir.p, more);
}

static int
read_path(struct map *m, char *to, size_t max)
{
	const msgpack_object_array *a = NULL;
	struct bytes b;

	to[0] = '\0';
	if (map_array(m, "path", MAP_OPTIONAL, SIZE_MAX, &a) == -1)
		return -1;
	for (size_t i = 0; a != NULL && i < a->size; i++) {
		if (map_text_at(m, "path", a, i, PATH_MAX, &b) == -1)
			return -1;
		join(to, max, b, "");
	}
	b.n = 0;
	if (map_text(m, "venv", MAP_OPTIONAL, PATH_MAX, &b) == -1)
		return -1;
	if (b.n > 0)
		join(to, max, b, SITE_PACKAGES);
	return 0;
}

static int
each_preload(const msgpack_object_kv *t, audit_config_fn *fn, struct err *e)
{
	const msgpack_object_array *a = NULL;
	char path[16 * PATH_MAX], where[128], *module;
	struct bytes b;
	struct map m;

	snprintf(where, sizeof(where), "template.%.*s",
	    t->key.type == MSGPACK_OBJECT_STR ? (int)t->key.via.str.size : 0,
	    t->key.type == MSGPACK_OBJECT_STR ? t->key.via.str.ptr : "");
	if (map_init(&m, &t->val, where, e) == -1 ||
	    read_path(&m, path, sizeof(path)) == -1 ||
	    map_array(&m, "preload", MAP_OPTIONAL, SIZE_MAX, &a) == -1)
		return -1;
	for (size_t i = 0; a != NULL && i < a->size; i++) {
		if (map_text_at(&m, "preload", a, i, PATH_MAX, &b) == -1)
			return -1;
		module = bytes_dup(b);
		if (module == NULL)
			return err_memory(e, "a name");
		fn(module, path);
		free(module);
	}
	return 0;
}

static int
each_template(const msgpack_object *config, audit_config_fn *fn, struct err *e)
{
	const msgpack_object_map *t = NULL;
	struct map m;

	if (map_init(&m, config, "", e) == -1 ||
	    map_map(&m, "template", MAP_OPTIONAL, SIZE_MAX, &t) == -1)
		return -1;
	for (size_t i = 0; t != NULL && i < t->size; i++)
		if (each_preload(&t->ptr[i], fn, e) == -1)
			return -1;
	return 0;
}

int
audit_config_each(const char *file, audit_config_fn *fn, struct err *e)
{
	msgpack_sbuffer buf;
	msgpack_unpacked u;
	int r;

	msgpack_sbuffer_init(&buf);
	msgpack_unpacked_init(&u);
	r = load(file, &buf, e);
	if (r == 0 &&
	    msgpack_unpack_next(&u, buf.data, buf.size, NULL) !=
		MSGPACK_UNPACK_SUCCESS)
		r = err_set(e, ERR_INTERNAL, "cannot unpack the configuration");
	if (r == 0)
		r = each_template(&u.data, fn, e);
	if (r == -1)
		err_wrap(e, "file %s", file);
	msgpack_unpacked_destroy(&u);
	msgpack_sbuffer_destroy(&buf);
	return r;
}
