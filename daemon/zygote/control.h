/*
 * control: how a child hears the daemon while user code runs, without a thread
 * of its own: the control socket raises a real-time signal, whose C handler
 * reads it, wakes Python's handler and, at hang-up, arms the timer that ends a
 * leased child.  One a process.
 *
 * What the daemon asks for is kept as a state and not as a queue, so that a
 * child that is stuck may be asked any number of times.
 */
#ifndef ZYGOTE_CONTROL_H
#define ZYGOTE_CONTROL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/reserved.h"
#include "proto/stream.h"

#define CONTROL_SIGNAL RESERVED_SIGNAL

/* What of control_arm can be done before: the calling thread is the one whose
 * signals S's socket raises, once it is armed. */
void control_ready(struct stream *s);
/*
 * From now on S's socket is non-blocking, raises CONTROL_SIGNAL in the calling
 * thread and is read by its handler alone.  LEASED: at hang-up SIGKILL comes
 * after GRACE_NS.  HEARS: a Python handler for the signal is installed; without
 * one (an unpromoted child cannot have any) a cancel is answered with SIGTERM,
 * and what Python would have to do isn't done.
 */
void control_arm(struct stream *s, bool leased, uint64_t grace_ns, bool hears);

/* What the daemon wants of the Python side, each once.  Numbers are the last
 * one's, 0 where there is none. */
struct control_asked {
	bool cancel; /* also: it is gone and the child is leased */
	uint64_t ping, dump;
};
struct control_asked control_take(void);
/* Whether that would be anything. */
bool control_has_asked(void);

/* In a process that the program forked: the socket is not its own. */
void control_drop(void);

/* While a message is written in parts the handler must not write its own. */
sigset_t control_hold(void);
void control_release(sigset_t);

#endif
