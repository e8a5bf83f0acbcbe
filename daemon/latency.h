/*
 * latency: how long spawns took since the daemon's start, as one histogram for
 * each start kind and phase.  Owns the histograms; what the phases are is
 * phases' affair.  All memory is taken at the start: to record is to count.
 */
#ifndef DAEMON_LATENCY_H
#define DAEMON_LATENCY_H

#include <msgpack.h>

#include "daemon/phases.h"
#include "proto/err.h"

struct hdr_histogram;

#define LATENCY_STARTS 3 /* standby, warm, cold */

struct latency {
	struct hdr_histogram *of[LATENCY_STARTS][PHASES];
};

int latency_init(struct latency *, struct err *);
/* Also of one that latency_init left half made. */
void latency_fini(struct latency *);

/* Counts a child that has started. */
void latency_record(struct latency *, const struct child *);
/* The map `latency` of `status`. */
void latency_pack(const struct latency *, msgpack_packer *);

#endif
