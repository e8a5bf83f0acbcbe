/*
 * procmem: what memory a process has, as /proc/PID/statm tells it: counters
 * that the kernel keeps, so that reading them costs the same for a large
 * process (smaps_rollup walks its page tables).  Owns nothing.
 */
#ifndef DAEMON_PROCMEM_H
#define DAEMON_PROCMEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct procmem {
	uint64_t resident_kb;
	uint64_t anonymous_kb; /* of these, not of a file: its own, or shared
				* with the process that it was forked from */
};

/* Whether it could be told. */
bool procmem_read(pid_t, struct procmem *);

#endif
