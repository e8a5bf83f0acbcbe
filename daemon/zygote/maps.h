/*
 * maps: this process's mappings, and which pages of theirs there are, by
 * /proc/self/maps and /proc/self/pagemap: no privilege is needed for what is
 * asked here.
 */
#ifndef ZYGOTE_MAPS_H
#define ZYGOTE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a page's entry in pagemap. */
#define MAPS_PRESENT (1ull << 63)
#define MAPS_EXCLUSIVE (1ull << 56) /* no other process has it */

struct mapping {
	uintptr_t at, end; /* the first byte, the one behind the last */
	int pagemap;       /* open, of maps_pages() */
	bool anonymous;    /* of no file */
};

/* FN is called for each private mapping that may be written to, in ascending
 * order.  What it maps itself may be among the later ones.  Nothing is done where
 * there is no /proc. */
void maps_each_writable(void (*fn)(const struct mapping *m, void *ctx),
    void *ctx);

/* FN is called for each page of M, from AT to END in it, that has all of BITS;
 * SIZE is a page's, in bytes. */
void maps_pages(const struct mapping *m, uintptr_t at, uintptr_t end,
    uint64_t bits, void (*fn)(void *ctx, uintptr_t at, size_t size), void *ctx);

#endif
