/*
 * dump_found: what a look into a child has brought, from its Python and from
 * its signal handler, and its form on the wire.  The child's word is copied
 * where it has the right type, and is no more than that.
 */
#ifndef DAEMON_DUMP_FOUND_H
#define DAEMON_DUMP_FOUND_H

#include <msgpack.h>
#include <stdbool.h>

struct child;
struct pack_map;

struct dump_found {
	bool looked, turned;
	msgpack_sbuffer look;   /* a packed map, once looked */
	msgpack_sbuffer stacks; /* text, from the signal handler */
	bool whole;             /* all of that text is here */
};

void dump_found_init(struct dump_found *);
void dump_found_fini(struct dump_found *);

/* Into an open map: `trio`, `turning`, `stacks`, `stacks_by`, or for what is
 * not there `trio_error` and `stacks_error`; WHY, where nothing came of C. */
void dump_found_pack(const struct dump_found *, const struct child *c,
    const char *why, msgpack_packer *, struct pack_map *);

#endif
