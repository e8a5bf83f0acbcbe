/*
 * standbys: those of the first template, as `templates` tells of them and as
 * processes.
 */
#ifndef TESTS_STANDBYS_H
#define TESTS_STANDBYS_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/harness.h"

#define STANDBYS_MAX 64

/* What `templates` tells of the first template: an integer by its key. */
int64_t standby_value(struct peer *, const char *key);
/* Asks until it is V: each time is a turn of the daemon's loop. */
void standby_until(struct peer *, const char *key, int64_t v);
/* The pids of all, where the zygote has no other children; how many. */
unsigned standby_pids(struct peer *, pid_t *pids);
/* SIGSTOP, and it has happened; to all. */
void standby_stop(pid_t);
unsigned standby_stop_all(struct peer *, pid_t *pids);

#endif
