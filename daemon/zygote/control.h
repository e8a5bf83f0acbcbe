/*
 * control: how a child hears the daemon while user code runs, without a thread
 * of its own: the control socket raises a real-time signal, whose C handler
 * wakes Python's and, at hang-up, arms the timer that ends a leased child.
 * One a process.
 */
#ifndef ZYGOTE_CONTROL_H
#define ZYGOTE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/stream.h"

/* The reserved signal: high, and not the last, which programs like to take. */
#define CONTROL_SIGNAL (SIGRTMAX - 2)

/*
 * From now on S's socket is non-blocking and raises CONTROL_SIGNAL in the
 * calling thread.  LEASED: at hang-up SIGKILL comes after GRACE_NS.  HEARS: a
 * Python handler for the signal is installed; without one (an unpromoted
 * child cannot have any) word from the daemon is answered with SIGTERM.
 */
void control_arm(struct stream *s, bool leased, uint64_t grace_ns, bool hears);

/* Reads what has come.  True when the child shall be cancelled: the daemon
 * said so, or it is gone and the child is leased. */
bool control_read(struct stream *s);

#endif
