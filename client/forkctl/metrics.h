/*
 * metrics: the daemon's `status` as OpenMetrics text.  Owns the names and what
 * they mean; nothing of the daemon's.
 */
#ifndef FORKCTL_METRICS_H
#define FORKCTL_METRICS_H

#include <msgpack.h>
#include <stdio.h>

void metrics_print(FILE *, const msgpack_object *status);

#endif
