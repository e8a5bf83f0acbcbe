/*
 * table: things by id.  Owns its slots, not the things.  Clients and children
 * are named by id throughout, so that a late completion finds nothing rather
 * than freed memory.
 */
#ifndef DAEMON_TABLE_H
#define DAEMON_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_slot;

struct table {
	struct table_slot *slots;
	size_t cap, n; /* cap is 0 or a power of two */
};

void table_fini(struct table *);
/* ID is not 0 and not in the table yet.  0, or -1: no memory. */
int table_put(struct table *, uint64_t id, void *p);
/* Room for N things: until there are more table_put does not fail.  0, or -1:
 * no memory. */
int table_reserve(struct table *, size_t n);
/* NULL when there is none. */
void *table_get(const struct table *, uint64_t id);
/* Nothing when there is none. */
void table_del(struct table *, uint64_t id);

#endif
