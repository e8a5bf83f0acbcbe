/*
 * gate: a child that has not started, for as long as a test wants: its job's
 * import waits at a pipe (fixtures/waits_at_import.py).
 */
#ifndef TESTS_GATE_H
#define TESTS_GATE_H

#include <stdint.h>

#include "tests/harness.h"

struct gate {
	char path[96]; /* for GATE in its environment */
	int fd;        /* -1: nobody has come yet */
};

struct gate gate_make(void);
/* Waits until the child is there. */
void gate_wait(struct gate *);
/* Lets the child go on, and removes the pipe once it has. */
void gate_open(struct gate *);

/* Id of the youngest live child. */
uint64_t newest(struct peer *);

/* Closes P, and returns when the daemon has acted on it.  That cannot be seen
 * from outside, but it comes before the end of a child that hangs on P. */
void close_and_settle(struct peer *p, struct peer *other);

#endif
