/*
 * phases: the way of a spawn from the request to the daemon's knowing that user
 * code is about to run, as durations.  Owns their names; the points in time
 * are the child's.
 */
#ifndef DAEMON_PHASES_H
#define DAEMON_PHASES_H

#include <stdint.h>

struct child;

#define PHASES 7 /* six that begin where the one before ends; their sum */
extern const char *const phase_names[PHASES];

/* Those of a child that has started. */
void phases_of(const struct child *, uint64_t ns[PHASES]);

#endif
