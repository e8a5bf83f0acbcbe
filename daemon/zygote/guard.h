/*
 * guard: what a zygote does when its daemon is gone: it stays until no leased
 * child is left, and kills each that outlives its grace.  A child hears of the
 * hang-up itself (control.h); this is for one that has blocked all signals.
 */
#ifndef ZYGOTE_GUARD_H
#define ZYGOTE_GUARD_H

#include "daemon/zygote/kid.h"

/* Whether the other end of the socket FD is closed in both directions: a
 * daemon that lives on but has no more orders closes one. */
bool guard_needed(int fd);

/* Returns when no leased child of KIDS, watched in EPFD, is left. */
void guard_run(struct kids *kids, int epfd);

#endif
