#include "proto/spawn_fds.h"

#include <stdio.h>

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

int
spawn_fds_read(struct spawn *s, struct map *m, unsigned max)
{
	if (read_fds(s, m, max) == -1)
		return -1;
	return read_tty(s, m);
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
	for (unsigned i = 0; i < s->nfds; i++)
		if ((s->fds[i] == 1 && c->out) || (s->fds[i] == 2 && c->err))
			return err_key(m->e, "capture",
			    "\"capture\" is of descriptor %d, which is one of "
			    "\"fds\"",
			    s->fds[i]);
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
}
