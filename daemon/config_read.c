#include "daemon/config_read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/frame.h"

extern char **environ;

void
config_reader_init(struct config_reader *r)
{
	*r = (struct config_reader){ .out = -1, .err = -1 };
}

void
config_reader_fini(struct config_reader *r)
{
	if (r->pid != 0)
		kill(r->pid, SIGKILL);
	if (r->out != -1)
		close(r->out);
	if (r->err != -1)
		close(r->err);
	free(r->file);
	config_reader_init(r);
}

/* Runs `zygote --read-config file`, in a session of its own; 0 or an errno.
 * FILE may be our standard input. */
static int
run(struct config_reader *r, const char *zygote)
{
	char option[] = "--read-config";
	char *argv[] = { (char *)zygote, option, r->file, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, dfl;
	int sys;

	sigemptyset(&none);
	sigfillset(&dfl);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, r->out, 1);
	posix_spawn_file_actions_adddup2(&fa, r->err, 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &dfl);
	sys = posix_spawn(&r->pid, zygote, &fa, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	if (sys != 0)
		r->pid = 0;
	return sys;
}

int
config_reader_start(struct config_reader *r, const char *zygote, char *file,
    struct err *e)
{
	int sys;

	config_reader_fini(r);
	r->file = file;
	r->out = memfd_create("config", MFD_CLOEXEC);
	r->err = memfd_create("config-errors", MFD_CLOEXEC);
	if (r->out == -1 || r->err == -1)
		return err_sys(e, errno, "make a memfd");
	sys = run(r, zygote);
	if (sys != 0)
		return err_sys(e, sys, "%s: run %s to read it", file, zygote);
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

/* Whether WHERE, a path of keys, is what the message S begins with. */
static bool
is_of(const char *s, const msgpack_object *where)
{
	size_t n = where->type == MSGPACK_OBJECT_STR ? where->via.str.size : 0;

	return n > 0 && strncmp(s, where->via.str.ptr, n) == 0 &&
	    (s[n] == ':' || s[n] == '.');
}

/* Where the key stands that E begins with: 0 where that is not known. */
static uint64_t
line_of(const msgpack_object *lines, const struct err *e)
{
	uint64_t line = 0;
	size_t best = 0;

	if (lines->type != MSGPACK_OBJECT_MAP)
		return 0;
	for (uint32_t i = 0; i < lines->via.map.size; i++) {
		const msgpack_object_kv *kv = &lines->via.map.ptr[i];

		if (kv->val.type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		    !is_of(e->msg, &kv->key) || kv->key.via.str.size < best)
			continue;
		best = kv->key.via.str.size;
		line = kv->val.via.u64;
	}
	return line;
}

/* One of the values that P, of N bytes, begins with, and its end. */
static int
unpack(msgpack_unpacked *u, const char *p, size_t n, size_t *len, struct err *e)
{
	struct frame_scan scan = { 0 };
	size_t at = 0;

	if (frame_scan(&scan, (const uint8_t *)p, n, &frame_limits_default, len,
		e) == 1 &&
	    msgpack_unpack_next(u, p, *len, &at) == MSGPACK_UNPACK_SUCCESS)
		return 0;
	return err_set(e, ERR_INTERNAL, "its reader wrote no map");
}

static int
apply(struct config *c, const char *file, const char *p, size_t n,
    struct err *e)
{
	msgpack_unpacked values, lines;
	uint64_t line = 0;
	size_t len = 0, rest;
	int r;

	msgpack_unpacked_init(&values);
	msgpack_unpacked_init(&lines);
	r = unpack(&values, p, n, &len, e);
	if (r == 0)
		r = unpack(&lines, p + len, n - len, &rest, e);
	if (r == 0) {
		r = config_set_all(c, &values.data, e);
		line = r == -1 ? line_of(&lines.data, e) : 0;
	}
	msgpack_unpacked_destroy(&values);
	msgpack_unpacked_destroy(&lines);
	if (r == -1 && line != 0)
		err_wrap(e, "%s:%ju", file, (uintmax_t)line);
	else if (r == -1)
		err_wrap(e, "%s", file);
	return r;
}

static int
failed(struct config_reader *r, struct err *e)
{
	size_t n = 0;
	char *p = slurp(r->err, SIZE_MAX / 2, &n);

	while (n > 0 && p[n - 1] == '\n')
		p[--n] = '\0';
	if (n > 0)
		err_set(e, ERR_INVALID_PARAMS, "%s", p);
	else
		err_set(e, ERR_INVALID_PARAMS,
		    "%s: its reader failed and said nothing", r->file);
	free(p);
	return -1;
}

int
config_reader_take(struct config_reader *r, int status, struct config *c,
    struct err *e)
{
	size_t n = 0;
	char *p;
	int ok;

	r->pid = 0;
	if (status != 0)
		return failed(r, e);
	p = slurp(r->out, frame_limits_default.max_bytes, &n);
	if (p == NULL)
		return err_set(e, ERR_LIMIT, "%s: it is too large", r->file);
	ok = apply(c, r->file, p, n, e);
	free(p);
	return ok;
}
