/*
 * frame: finds where one MessagePack value ends and whether it keeps to the
 * limits, before anything unpacks it.  Owns no memory and keeps no state.
 * msgpack-c itself has no limits: five bytes `dd 10 00 00 00` make its
 * unpacker ask for 8 GB.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

struct frame_limits {
	size_t max_bytes;   /* of one frame */
	unsigned max_depth; /* containers inside containers */
	size_t max_items;   /* values in one frame, all levels together */
};

/* 16 MiB, 32 deep, 1 Mi values. */
extern const struct frame_limits frame_limits_default;

/*
 * Looks at the N bytes at P.  Returns 1 and *LEN when they begin with a whole
 * value, 0 when more bytes are needed, -1 with E filled (ERR_MALFORMED or
 * ERR_LIMIT) when no further byte can make a value within the limits of it.
 * A count larger than the bytes that max_bytes leaves is refused at once.
 * The cost is linear in N; nothing is allocated.
 */
int frame_scan(const uint8_t *p, size_t n, const struct frame_limits *,
    size_t *len, struct err *);

#endif
