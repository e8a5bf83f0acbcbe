#include "proto/spawn_fds.h"

#include <stdio.h>

#define MODE 0666 /* of a file that is made, less the umask */

static const char *const access_names[] = {
	[SPAWN_READ] = "read",
	[SPAWN_WRITE] = "write",
	[SPAWN_APPEND] = "append",
	[SPAWN_NEW] = "new",
};

static int
read_fds(struct spawn *s, struct map *m, unsigned max)
{
	const msgpack_object_array *a = NULL;
	char key[24];

	if (map_array(m, "fds", MAP_OPTIONAL, max, &a) == -1)
		return -1;
	for (uint32_t i = 0; a != NULL && i < a->size; i++) {
		const msgpack_object *o = &a->ptr[i];

		snprintf(key, sizeof(key), "fds[%u]", i);
		if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		    o->via.u64 >= SPAWN_FD_LIMIT)
			return err_key(m->e, key,
			    "\"%s\" must be an int from "
			    "0 to %d",
			    key, SPAWN_FD_LIMIT - 1);
		for (unsigned j = 0; j < s->nfds; j++)
			if (s->fds[j] == (int)o->via.u64)
				return err_key(m->e, key,
				    "\"%s\": target %d "
				    "is there twice",
				    key, s->fds[j]);
		s->fds[s->nfds++] = o->via.u64;
	}
	return 0;
}

static int
read_tty(struct spawn *s, struct map *m)
{
	uint64_t tty;
	int r;

	s->tty = -1;
	r = map_uint(m, "tty", MAP_OPTIONAL, SPAWN_FD_LIMIT - 1, &tty);
	if (r != 1)
		return r;
	for (unsigned i = 0; i < s->nfds; i++)
		if (s->fds[i] == (int)tty)
			s->tty = tty;
	if (s->tty == -1)
		return err_key(m->e, "tty",
		    "\"tty\" is %d, which is not one "
		    "of \"fds\"",
		    (int)tty);
	return 0;
}

static int
read_access(struct spawn_file *f, struct map *m, const char *key)
{
	struct bytes b;
	int r = map_str(m, "access", MAP_OPTIONAL, 16, &b);

	if (r != 1)
		return r;
	for (int i = SPAWN_READ; i <= SPAWN_NEW; i++)
		if (bytes_eq(b, access_names[i])) {
			f->access = i;
			return 0;
		}
	return err_key(m->e, key,
	    "\"%s.access\" must be \"read\", \"write\", \"append\" or \"new\"",
	    key);
}

/* A path, or the descriptor that it is a copy of. */
static int
read_what(struct spawn_file *f, struct map *m, const char *key)
{
	uint64_t copy = 0, mode = MODE;
	int has_path = map_text(m, "path", MAP_OPTIONAL, SPAWN_MAX_TEXT,
	    &f->path);
	int has_copy = map_uint(m, "copy", MAP_OPTIONAL, SPAWN_FD_LIMIT - 1,
	    &copy);
	int has_mode = map_uint(m, "mode", MAP_OPTIONAL, 0777, &mode);

	if (has_path == -1 || has_copy == -1 || has_mode == -1 ||
	    read_access(f, m, key) == -1)
		return -1;
	f->copy = copy;
	f->mode = mode;
	if (has_path + has_copy != 1)
		return err_key(m->e, key,
		    "\"%s\" must have one of \"path\" and \"copy\"", key);
	if (has_path == 1 && f->path.n == 0)
		return err_key(m->e, key, "\"%s.path\" is empty", key);
	if (has_copy == 1 && (f->copy == f->fd || f->access != SPAWN_READ))
		return err_key(m->e, key,
		    f->copy == f->fd ? "\"%s\" is a copy of itself" :
				       "\"%s.access\" goes with \"path\" only",
		    key);
	if (has_mode == 1 && f->access == SPAWN_READ)
		return err_key(m->e, key,
		    "\"%s.mode\" goes with a file that may be made only", key);
	return 0;
}

/* Whether something else is to be at the target of F already. */
static bool
is_taken(const struct spawn *s, int fd)
{
	for (unsigned i = 0; i < s->nfds; i++)
		if (s->fds[i] == fd)
			return true;
	for (unsigned i = 0; i < s->nfiles; i++)
		if (s->files[i].fd == fd)
			return true;
	return false;
}

static int
read_files(struct spawn *s, struct map *m)
{
	const msgpack_object_array *a = NULL;
	struct spawn_file *f;
	struct map fm;
	uint64_t fd;
	char key[24];

	if (map_array(m, "files", MAP_OPTIONAL, SPAWN_MAX_FDS, &a) == -1)
		return -1;
	for (uint32_t i = 0; a != NULL && i < a->size; i++) {
		f = &s->files[s->nfiles];
		*f = (struct spawn_file){ 0 };
		snprintf(key, sizeof(key), "files[%u]", i);
		if (map_init(&fm, &a->ptr[i], key, m->e) == -1 ||
		    map_uint(&fm, "fd", MAP_REQUIRED, SPAWN_FD_LIMIT - 1,
			&fd) == -1)
			return -1;
		f->fd = fd;
		if (is_taken(s, f->fd))
			return err_key(m->e, key,
			    "\"%s\": target %d is there twice", key, f->fd);
		if (read_what(f, &fm, key) == -1 || map_end(&fm) == -1)
			return -1;
		s->nfiles++;
	}
	return 0;
}

int
spawn_fds_read(struct spawn *s, struct map *m, unsigned max)
{
	if (read_fds(s, m, max) == -1 || read_tty(s, m) == -1)
		return -1;
	return read_files(s, m);
}

static int
read_keep(struct spawn_capture *c, struct map *m)
{
	struct bytes b;
	int r = map_str(m, "keep", MAP_OPTIONAL, 16, &b);

	if (r != 1)
		return r;
	c->oldest = bytes_eq(b, "oldest");
	if (c->oldest || bytes_eq(b, "newest"))
		return 0;
	return err_key(m->e, "capture.keep",
	    "\"capture.keep\" must be \"newest\" or \"oldest\"");
}

/* A captured stream has no other file at its number. */
static int
check_capture(const struct spawn *s, struct map *m)
{
	const struct spawn_capture *c = &s->capture;

	if (!c->out && !c->err)
		return err_key(m->e, "capture",
		    "\"capture\" is of neither stdout nor stderr");
	if (c->merge && !(c->out && c->err))
		return err_key(m->e, "capture.merge",
		    "\"capture.merge\" goes with both streams only");
	for (int fd = 1; fd <= 2; fd++)
		if ((fd == 1 ? c->out : c->err) && is_taken(s, fd))
			return err_key(m->e, "capture",
			    "\"capture\" is of descriptor %d, which is one of "
			    "\"fds\" or \"files\"",
			    fd);
	return 0;
}

int
spawn_fds_read_capture(struct spawn *s, struct map *m)
{
	struct spawn_capture *c = &s->capture;
	const msgpack_object *o;
	uint64_t bytes = SPAWN_CAPTURE;
	struct map cm;
	int r = map_obj(m, "capture", MAP_OPTIONAL, &o);

	if (r != 1)
		return r;
	c->out = c->err = true;
	if (map_init(&cm, o, "capture", m->e) == -1 ||
	    map_bool(&cm, "stdout", MAP_OPTIONAL, &c->out) == -1 ||
	    map_bool(&cm, "stderr", MAP_OPTIONAL, &c->err) == -1 ||
	    map_bool(&cm, "merge", MAP_OPTIONAL, &c->merge) == -1 ||
	    map_bool(&cm, "events", MAP_OPTIONAL, &c->events) == -1 ||
	    map_uint(&cm, "bytes", MAP_OPTIONAL, SPAWN_MAX_CAPTURE, &bytes) ==
		-1 ||
	    read_keep(c, &cm) == -1 || map_end(&cm) == -1)
		return -1;
	c->bytes = bytes;
	if (bytes == 0)
		return err_key(m->e, "capture.bytes", "\"capture.bytes\" is 0");
	return check_capture(s, m);
}

static void
pack_file(const struct spawn_file *f, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "fd", f->fd);
	if (f->path.n == 0) {
		pack_kv_uint(pk, &m, "copy", f->copy);
	} else {
		pack_key(pk, &m, "path");
		pack_text(pk, f->path.p, f->path.n);
		pack_kv_str(pk, &m, "access", access_names[f->access]);
	}
	if (f->access != SPAWN_READ)
		pack_kv_uint(pk, &m, "mode", f->mode);
	pack_map_end(&m);
}

void
spawn_fds_pack(const struct spawn *s, msgpack_packer *pk, struct pack_map *m)
{
	if (s->nfds > 0) {
		pack_key(pk, m, "fds");
		msgpack_pack_array(pk, s->nfds);
		for (unsigned i = 0; i < s->nfds; i++)
			msgpack_pack_int(pk, s->fds[i]);
	}
	if (s->tty != -1)
		pack_kv_uint(pk, m, "tty", s->tty);
	if (s->nfiles == 0)
		return;
	pack_key(pk, m, "files");
	msgpack_pack_array(pk, s->nfiles);
	for (unsigned i = 0; i < s->nfiles; i++)
		pack_file(&s->files[i], pk);
}
