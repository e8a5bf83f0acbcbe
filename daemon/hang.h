/*
 * hang: children whose spawn said `on_hang_ns`: pings that trio's loops answer,
 * one after the other, and the one dump of a child that has not answered in
 * that time, for the log and its exit record.
 */
#ifndef DAEMON_HANG_H
#define DAEMON_HANG_H

#include <ev.h>
#include <msgpack.h>
#include <stdint.h>

struct child;
struct pack_map;

struct hang {
	uint64_t limit_ns; /* 0: it is not watched */
	ev_timer timer;
	uint64_t ping;       /* number of the unanswered one, 0: none */
	uint64_t at_ns;      /* when it was found to hang, 0: it was not */
	msgpack_sbuffer raw; /* the packed map of the record, or nothing */
};

void hang_init(struct child *);
void hang_fini(struct child *);
/* Its user code is about to run. */
void hang_started(struct child *);
/* The child has answered number N, and so all before it. */
void hang_pong(struct child *, uint64_t n);

/* Of dump's: what the map begins with, and the whole map, whose bytes are
 * copied. */
void hang_pack_head(const struct child *, msgpack_packer *, struct pack_map *);
void hang_take(struct child *, const msgpack_sbuffer *);

#endif
