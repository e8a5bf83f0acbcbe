/*
 * reserve: memory that is kept for when there is none: for what cannot be
 * refused, as a few words of a zygote's or a child's, and for telling others
 * that they are refused.  Nothing large comes from it.  Process-wide, for one
 * thread; where it was never filled it does nothing.
 */
#ifndef PROTO_RESERVE_H
#define PROTO_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

#define RESERVE_EACH (64 << 10) /* no more at once is worth it */

/* Sees to it that there is one, if it can be had; at each turn of a loop. */
void reserve_fill(void);
/* An allocation has failed.  Whether another try may succeed. */
bool reserve_spend(void);
/* realloc(3), with that other try. */
void *reserve_realloc(void *, size_t);

#endif
