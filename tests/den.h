/*
 * den: a child of fixtures/leaves.py, and the processes that it has started
 * itself.
 */
#ifndef TESTS_DEN_H
#define TESTS_DEN_H

#include "tests/harness.h"

struct den {
	uint64_t id;
	pid_t pid, group, session; /* in its group, in one of its own */
	int out;
};

/* A grace that can be waited for, and that a child can end in. */
#define SHORT ", 'grace_ns': 2000000000"

/* Spawned with EXTRA params ("" or ", 'key': …"), with one process of each. */
struct den den(struct peer *, const char *extra);
/* One that ends by itself and leaves one process behind; R is its record. */
struct den den_of_one(struct peer *, bool session, struct reply *r);
/* Ends it by METHOD, "cancel" or "kill"; R is its record. */
void den_end(struct peer *, const struct den *, const char *method,
    struct reply *r);
/* PID lives, and is killed. */
void lives_on(pid_t pid);

#endif
