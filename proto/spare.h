/*
 * spare: pieces of memory of one kind that are kept for the next use, so that
 * what goes on and on asks the allocator for nothing once it is warm.  Owns the
 * pieces that lie in it.  Any thread may use it at any time, and so may a
 * process after a fork.  With AddressSanitizer nothing is kept, so that it sees
 * each use.
 */
#ifndef PROTO_SPARE_H
#define PROTO_SPARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define SPARE_PIECES 64

/* All zero is the beginning. */
struct spare {
	_Atomic(void *) pieces[SPARE_PIECES];
};

/* A piece as it was put in, which the caller then owns.  NULL: none is there. */
void *spare_take(struct spare *);
/* A piece of N bytes, all zero, from the allocator where none is there; those of
 * one spare are all of one size.  NULL: no memory. */
void *spare_zero(struct spare *, size_t n);
/* Takes P, which is free()d where enough are kept.  NULL is ignored. */
void spare_free(struct spare *, void *p);
/* Takes P and returns true, or false where enough are kept. */
bool spare_keep(struct spare *, void *p);

#endif
