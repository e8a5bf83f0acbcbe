/*
 * clock: how libev's timers are armed.  The daemon counts in nanoseconds of
 * CLOCK_MONOTONIC, as on the wire; libev's seconds appear here only.
 */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <ev.h>
#include <stdint.h>

#include "proto/clock.h"

/* (Re)starts a one-shot timer that fires NS from now. */
static inline void
clock_arm(struct ev_loop *loop, ev_timer *w, uint64_t ns)
{
	ev_timer_stop(loop, w);
	ev_now_update(loop); /* the loop's own time may be a turn old */
	ev_timer_set(w, (double)ns / (double)NS_PER_S, 0.);
	ev_timer_start(loop, w);
}

#endif
