/*
 * handover: the meeting point of the zygote's two threads.  The main thread
 * hands a piece of work to the worker thread, and either stays parked until it
 * is done (a fork must not meet a lock that the main thread holds) or goes on
 * and is told through a descriptor.  It knows nothing of CPython.
 */
#ifndef ZYGOTE_HANDOVER_H
#define ZYGOTE_HANDOVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/err.h"

struct handover {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	void (*fn)(void *); /* NULL: nothing to do */
	void *arg;
	bool busy;   /* handed over and not yet done */
	int done_fd; /* eventfd; readable once for each handover_post */
	pthread_t worker;
};

/* Starts the worker thread with as much stack as a main thread has, which it
 * is in a child, and no less than MIN bytes.  0, or -1 with E filled. */
int handover_start(struct handover *, size_t min, struct err *e);

/* Main thread: hands over FN(ARG) and returns; done_fd tells when it is done.
 * ARG belongs to the worker until then. */
void handover_post(struct handover *, void (*fn)(void *), void *arg);

/* Main thread: hands over FN(ARG) and sleeps until it is done, holding no lock
 * meanwhile but those of pthread_cond_wait. */
void handover_call(struct handover *, void (*fn)(void *), void *arg);

#endif
