/*
 * dumps: looks into children, and what they show of `hangs:family`.
 */
#ifndef TESTS_DUMPS_H
#define TESTS_DUMPS_H

#include <stdint.h>

#include "tests/harness.h"
#include "tests/up.h"

/* A daemon's configuration: `default`, `isolated` and `plain` (not promoted),
 * the last two made on demand. */
extern const char dump_config[];

/* A look that has time. */
void dump_ask(struct peer *, uint64_t id, struct reply *);
/* WHAT is in the text at PATH. */
void dump_has(const struct reply *, const char *path, const char *what);
/* Number of the task of that name, and the path of REST in a task, which lives
 * until the next call. */
int dump_task(const struct reply *, const char *name);
const char *dump_path(int task, const char *rest);
/* All of the look is as `hangs:family` with one kid has it. */
void dump_is_family(const struct reply *);

/* Kills it, and waits for its end. */
void dump_kill(struct peer *, const struct up *);

#endif
