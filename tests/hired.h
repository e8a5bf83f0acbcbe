/*
 * hired: a client in a process of its own, which owns children and does nothing
 * more: to be killed.
 */
#ifndef TESTS_HIRED_H
#define TESTS_HIRED_H

#include "tests/harness.h"

#define HIRED_MAX 512

struct hired {
	pid_t pid; /* of the client */
	unsigned n;
	int out; /* all children's stdout; nobody else has it */
	uint64_t ids[HIRED_MAX];
};

/* A client with N children, of params EXTRA ("'call': …, 'grace_ns': …") each;
 * returns when each of them has said "up". */
void hire(struct hired *, unsigned n, const char *extra);
/* Kills it with SIG and waits for its end. */
void fire(struct hired *, int sig);

/* The records of N children's ends, as P is told of them: each is asked for
 * CHECK, which fails the test.  All within one DEADLINE_S. */
void all_end(struct peer *p, const uint64_t *ids, unsigned n,
    void (*check)(const struct reply *));

#endif
