/*
 * drain: the daemon's orderly end.  No more spawns, and where that was asked for
 * all children, detached ones too, are waited for: connections go on meanwhile.
 * Then there are no more connections; leased
 * children are cancelled, all at once, and killed after their grace; then the
 * zygotes end; then what is queued for clients is sent.  Detached children go
 * on, or end as the others where server.drain_detached is set.
 */
#ifndef DAEMON_DRAIN_H
#define DAEMON_DRAIN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct server;

#define DRAIN_MAX_NS (UINT64_C(365) * 86400 * 1000000000)

enum drain_phase {
	DRAIN_NOT,
	DRAIN_WAITING, /* for children to end by themselves */
	DRAIN_CHILDREN,
	DRAIN_ZYGOTES,
	DRAIN_OUTPUT,
	DRAIN_DONE
};

struct drain {
	bool active;
	enum drain_phase phase;
	ev_timer step;     /* looks whether the phase is over */
	ev_timer deadline; /* of the waiting; of the children; of the output */
};

void drain_init(struct server *);
/* No more spawns; when the last child has ended, or after TIMEOUT_NS where it
 * HAS_TIMEOUT, it goes on as drain_begin.  A second call may set the time. */
void drain_wait(struct server *, bool has_timeout, uint64_t timeout_ns);
/* GRACE_NS for every child where HAS_GRACE, else each its own.  A second call
 * may shorten the grace. */
void drain_begin(struct server *, bool has_grace, uint64_t grace_ns);
/* Something that a drain waits for may have happened.  Acts from the loop. */
void drain_check(struct server *);
/* SIGKILL to all children that end with it, and the loop ends at once. */
void drain_now(struct server *);

#endif
