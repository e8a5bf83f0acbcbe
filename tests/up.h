/*
 * up: a child that has said that it is up: it runs, and its stdout is ours.
 */
#ifndef TESTS_UP_H
#define TESTS_UP_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/harness.h"

struct up {
	uint64_t id;
	pid_t pid;
	int out; /* a pipe at its stdout; the caller's to close */
};

/* Spawns `jobs:FN` (or FN, where a module is in it), with EXTRA (", 'key':
 * value") among the params, and waits for its "up". */
struct up up_start(struct peer *, const char *extra, const char *fn);

#endif
