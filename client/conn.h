/*
 * conn: the inside of a connection.  Owns the stream, the table of calls that
 * wait for their response, and the events that were not taken yet.
 */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/forkserver.h"
#include "proto/err.h"
#include "proto/stream.h"

/* A call that was sent. */
struct conn_call {
	struct conn_call *next;
	uint32_t id;
	bool done;   /* the fields below are filled */
	bool failed; /* the daemon answered with ERROR */
	struct forkserver_reply reply;
	struct err error;
};

struct conn_event {
	struct conn_event *next;
	struct forkserver_event ev;
};

struct forkserver {
	struct stream stream;
	uint32_t last_id;
	struct conn_call *calls;
	struct conn_event *events, **events_tail;
	bool broken; /* WHY says what ended the connection */
	struct err why;
};

/* A connected socket, non-blocking, or -1 with E filled. */
int conn_dial(const char *path, int timeout_ms, struct err *e);

/* Marks the connection as gone for the reason E and returns -1. */
int conn_break(struct forkserver *, const struct err *e);

/* Writes and reads what can be without waiting, and sorts what came.  0, or
 * -1 when the connection is gone (FS->why). */
int conn_pump(struct forkserver *);

/* Waits until something may be done or DEADLINE (CLOCK_MONOTONIC, in ms; -1:
 * never) has passed, then pumps.  1, 0 when the time is over, -1 as above. */
int conn_wait(struct forkserver *, int64_t deadline);

int64_t conn_deadline(int timeout_ms);

#endif
