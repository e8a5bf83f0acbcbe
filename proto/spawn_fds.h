/*
 * spawn_fds: the part of struct spawn that says what is at a child's
 * descriptors: passed ones, the terminal among them, files that it opens,
 * captured output.  Reads and writes it for spawn.
 */
#ifndef PROTO_SPAWN_FDS_H
#define PROTO_SPAWN_FDS_H

#include <msgpack.h>

#include "proto/map.h"
#include "proto/pack.h"
#include "proto/spawn.h"

/* Each 0, or -1 with the map's error naming the key.  MAX: of passed ones. */
int spawn_fds_read(struct spawn *, struct map *, unsigned max);
/* After spawn_fds_read, whose targets it may not share. */
int spawn_fds_read_capture(struct spawn *, struct map *);
void spawn_fds_pack(const struct spawn *, msgpack_packer *, struct pack_map *);

#endif
