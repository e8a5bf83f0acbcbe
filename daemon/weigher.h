/*
 * weigher: reads what memory a process has for itself, in a thread of its own:
 * the kernel walks the process's page tables for it, which takes milliseconds
 * for a large one.  Who asks gets the figure later, in the loop; nothing is
 * kept here.
 */
#ifndef DAEMON_WEIGHER_H
#define DAEMON_WEIGHER_H

#include <ev.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/err.h"

struct weigher {
	struct ev_loop *loop;
	ev_io told;
	int asks; /* to the thread */
	/* In the loop: the process PID, of which KEY was told when it was asked
	 * for, has KB. */
	void (*tell)(void *arg, uint64_t key, pid_t pid, uint64_t kb);
	void *arg;
};

int weigher_init(struct weigher *, struct ev_loop *,
    void (*tell)(void *arg, uint64_t key, pid_t, uint64_t kb), void *arg,
    struct err *);
/* The thread ends by itself, when it has read what it is at. */
void weigher_fini(struct weigher *);

/* Not served where the process is gone, or where too much is asked. */
void weigher_ask(struct weigher *, uint64_t key, pid_t);

#endif
