/*
 * child_make: the memory of a child.  What has been one is kept for the next,
 * with the room that its entry, its title and its outcome had.
 */
#ifndef DAEMON_CHILD_MAKE_H
#define DAEMON_CHILD_MAKE_H

#include "proto/err.h"

struct child;
struct request;
struct spawn;
struct template;

/* A child as REQ wants it, known to nobody yet.  NULL with E filled. */
struct child *child_make(const struct request *, const struct spawn *,
    struct template *, struct err *);
/* Frees C, which holds nothing more than its memory. */
void child_unmake(struct child *c);

#endif
