/*
 * top_frame: one picture of the daemon, its templates and children, as text.
 * Owns what is needed of the picture before, for what has changed since.
 */
#ifndef FORKCTL_TOP_FRAME_H
#define FORKCTL_TOP_FRAME_H

#include <msgpack.h>
#include <stdint.h>
#include <stdio.h>

struct top_before {
	uint64_t spawned, uptime_ns; /* 0: there was none */
};

/* STATUS and LIST are the results of these methods; lines have at most WIDTH
 * columns, 0: as many as they need. */
void top_frame(FILE *, const msgpack_object *status, const msgpack_object *list,
    struct top_before *, size_t width);

#endif
