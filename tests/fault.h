/*
 * fault: calls of the C library that fail on demand, in the daemon and in its
 * zygotes.  Shared objects that both load before all others, preload_*.c, look
 * into memory that they share with the test.
 *
 * Children of a zygote count as the zygote does, until they exec.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>

#define FAULT_VARIABLE "FORKSERVERD_FAULTS" /* names the file of the memory */

enum fault_program { FAULT_DAEMON, FAULT_ZYGOTE, FAULT_PROGRAMS };
enum fault_call {
	FAULT_ALLOC, /* malloc, calloc, realloc; never where it is sanitised */
	FAULT_FORK,  /* fork, vfork */
	FAULT_SOCKETPAIR,
	FAULT_PIPE,
	FAULT_EPOLL,   /* epoll_ctl that adds */
	FAULT_INOTIFY, /* inotify_add_watch */
	FAULT_CALLS
};

/* Of the calls since it was set, those from FIRST on fail, TIMES of them. */
struct fault {
	atomic_uint first, times;
	atomic_int error;
	atomic_uint seen, met; /* calls, and those that failed */
};

struct faults {
	struct fault of[FAULT_PROGRAMS][FAULT_CALLS];
};

/* live_start, live_start_standbys and live_stop of a daemon in which calls can
 * fail. */
void fault_start(const char *config);
void fault_start_standbys(const char *config);
void fault_stop(void);
void fault_set(enum fault_program, enum fault_call, unsigned first,
    unsigned times, int error);
/* As it was before; how many calls have failed. */
unsigned fault_clear(enum fault_program, enum fault_call);

/* How many calls there have been since it was set. */
unsigned fault_seen(enum fault_program, enum fault_call);

/* In the shared objects: whether a call of that kind, which is being made, is to
 * fail; then errno is set. */
bool fault_fails(enum fault_call);

#endif
