/*
 * exhausted: what the machine, or the daemon's own process, has no more of, as
 * clients are told it (PROTOCOL.md, section 1).  What the daemon itself limits
 * is admission's.
 */
#ifndef DAEMON_EXHAUSTED_H
#define DAEMON_EXHAUSTED_H

#include <stdbool.h>

#include "proto/err.h"

/* Where E is of a system call that found something used up, it becomes `busy`,
 * with the resource and when to try again. */
void exhausted_name(struct err *e);
/* 0, or -1 with E filled: the last descriptors are kept for what cannot be
 * refused, as those that come with the words of zygotes: one that is lost on its
 * way costs the zygote. */
int exhausted_descriptors(struct err *e);
/* Even of those there are few: nobody is to be told that there are none. */
bool exhausted_nearly(void);

/* Fills E, and returns -1, where libev tells EV_ERROR of a descriptor that it was
 * just given: the kernel has no room to watch it.  What comes over it is not
 * heard. */
int exhausted_watches(struct err *e);

#endif
