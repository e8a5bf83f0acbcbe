/*
 * pressure: whether memory is scarce on this machine, as the kernel's pressure
 * stall information tells it.  Owns the trigger and the time until it counts
 * as over.  Where the kernel has none it never is.
 */
#ifndef DAEMON_PRESSURE_H
#define DAEMON_PRESSURE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

struct pressure {
	struct ev_loop *loop;
	int fd; /* of the kernel's file, or -1 */
	ev_io heard;
	ev_timer calm;
	uint64_t calm_ns; /* so long after the last stall it is over */
	bool high;
	/* It has risen, or is over. */
	void (*tell)(void *arg, bool high);
	void *arg;
};

void pressure_init(struct pressure *, struct ev_loop *,
    void (*tell)(void *arg, bool high), void *arg);
/* Watches the kernel's file. */
void pressure_open(struct pressure *);
/* Watches FD: what raises POLLPRI there is pressure.  Takes FD.  0, or -1 with
 * E filled. */
int pressure_watch(struct pressure *, int fd, struct err *);
void pressure_fini(struct pressure *);

#endif
