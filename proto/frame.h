/*
 * frame: finds where one MessagePack value ends and whether it keeps to the
 * limits, before anything unpacks it.  Owns no memory.
 * msgpack-c itself has no limits: five bytes `dd 10 00 00 00` make its
 * unpacker ask for 8 GB.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stdbool.h>
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
/* Of what a child says: 30 deep, 768 Ki values.  It goes on to clients, inside
 * of more, and that shall keep to frame_limits_default. */
extern const struct frame_limits frame_limits_child;

#define FRAME_DEPTH_CEILING 64 /* whatever the limits say */

/* How far the scan of one frame has come.  All zero is the beginning. */
struct frame_scan {
	uint64_t left[FRAME_DEPTH_CEILING + 1]; /* values to come, by depth */
	uint64_t owed;                          /* the sum of them */
	unsigned depth;
	size_t at; /* where the next value begins; may be beyond the bytes */
	size_t items;
	bool begun;
};

/*
 * Looks at the N bytes at P, which are those of the last call and what has come
 * since.  Returns 1 and *LEN when they begin with a whole value (S is then at
 * the beginning again), 0 when more bytes are needed, -1 with E filled
 * (ERR_MALFORMED or ERR_LIMIT) when no further byte can make a value within the
 * limits of it.  A count larger than the bytes that max_bytes leaves is refused
 * at once.  Each byte is looked at once, in however many pieces they come;
 * nothing is allocated.
 */
int frame_scan(struct frame_scan *s, const uint8_t *p, size_t n,
    const struct frame_limits *, size_t *len, struct err *);

#endif
