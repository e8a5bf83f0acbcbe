#include "proto/spawn_fds.h"

#include <stdio.h>

static int
read_fds(struct spawn *s, struct map *m)
{
	const msgpack_object_array *a = NULL;
	char key[24];

	if (map_array(m, "fds", MAP_OPTIONAL, SPAWN_MAX_FDS, &a) == -1)
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
spawn_fds_read(struct spawn *s, struct map *m)
{
	if (read_fds(s, m) == -1)
		return -1;
	return read_tty(s, m);
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
