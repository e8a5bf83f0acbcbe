/*
 * spawn_fds: the part of struct spawn that says what is at a child's
 * descriptors: passed ones, and the terminal among them.  Reads and writes it
 * for spawn.
 */
#ifndef PROTO_SPAWN_FDS_H
#define PROTO_SPAWN_FDS_H

#include <msgpack.h>

#include "proto/map.h"
#include "proto/pack.h"
#include "proto/spawn.h"

/* 0, or -1 with the map's error naming the key. */
int spawn_fds_read(struct spawn *, struct map *);
void spawn_fds_pack(const struct spawn *, msgpack_packer *, struct pack_map *);

#endif
