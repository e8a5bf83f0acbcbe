/*
 * forkserver: asks forkserverd for children.  One connection is one struct
 * forkserver; the children asked for on it are leased to it and end with it,
 * those asked for with `detached` excepted.  PROTOCOL.md has the methods,
 * their params and their results; this library carries them.
 *
 * A connection is not thread-safe: one thread at a time.  It belongs to the
 * process that opened it: after fork(2) the child process may only let it be
 * (its descriptors are CLOEXEC).  No call raises SIGPIPE or changes signals.
 *
 * Times are milliseconds; -1 waits for ever, 0 never waits.  Functions that
 * return int return -1 with the error filled, unless they say otherwise; an
 * error pointer may not be NULL.
 */
#ifndef FORKSERVER_H
#define FORKSERVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FORKSERVER_API __attribute__((visibility("default")))
#define FORKSERVER_MAX_FDS 253 /* descriptors of one call */

struct forkserver;

/* Of fixed size: nothing to free. */
struct forkserver_error {
	char code[32];     /* name of PROTOCOL.md's table, as "busy" */
	int sys;           /* errno where one applies, else 0 */
	char key[48];      /* params key at fault, "" if none */
	char message[512]; /* lower case, no full stop */
};

/* What came back.  forkserver_reply_free frees and closes; safe twice. */
struct forkserver_reply {
	uint8_t *data; /* one MessagePack value: the result, or the
				 * error map; NULL when the error is our own
				 * (no connection, time over) */
	size_t size;
	int *fds; /* received, CLOEXEC; set one to -1 to keep it */
	unsigned nfds;
};

struct forkserver_event {
	char name[32]; /* as "exited" */
	uint8_t *data; /* its params, one MessagePack map */
	size_t size;
};

/*
 * Connects to the daemon's socket at PATH; where PATH is NULL to
 * $FORKSERVER_SOCKET alone if that is set, else to the user's
 * ($XDG_RUNTIME_DIR/forkserverd.sock), else to the system's
 * (/run/forkserverd.sock).  Where $FORKSERVER_PARENT is set the daemon is told,
 * so that what a child of its asks for here belongs to that child.  Returns the
 * connection, to be given to forkserver_close, or NULL with the error filled.
 */
FORKSERVER_API struct forkserver *forkserver_connect(const char *path,
    int timeout_ms, struct forkserver_error *);

/* Ends the connection and its leases.  Takes NULL. */
FORKSERVER_API void forkserver_close(struct forkserver *);

/*
 * Calls METHOD and waits for its response.  PARAMS are the N bytes of one
 * packed MessagePack map (NULL, 0: an empty one); FDS are borrowed: they are
 * duplicated here and stay the caller's.  Returns 0 with the result and what
 * descriptors came in R, or -1 with the error filled and, where the daemon
 * answered with one, the whole error map in R.  R is set in every case.  When
 * the time is over (code "timeout", no data) the call is forgotten as
 * forkserver_forget does; it may still take effect.
 */
FORKSERVER_API int forkserver_call(struct forkserver *, const char *method,
    const void *params, size_t n, const int *fds, unsigned nfds, int timeout_ms,
    struct forkserver_reply *r, struct forkserver_error *);

/* As forkserver_call, but does not wait: ID is then given to
 * forkserver_result or forkserver_forget. */
FORKSERVER_API int forkserver_send(struct forkserver *, const char *method,
    const void *params, size_t n, const int *fds, unsigned nfds, uint32_t *id,
    struct forkserver_error *);

/*
 * Takes the response of ID.  Returns 1 with R as forkserver_call has it, 0
 * when it has not come within the time (ask again, or forget it), -1 with the
 * error and, where the daemon sent it, R.  After 1 and -1 ID is done with.
 */
FORKSERVER_API int forkserver_result(struct forkserver *, uint32_t id,
    int timeout_ms, struct forkserver_reply *r, struct forkserver_error *);

/* The response of ID will be dropped when it comes, its descriptors closed. */
FORKSERVER_API void forkserver_forget(struct forkserver *, uint32_t id);

/*
 * Takes the next event.  Returns 1 with EV filled (to be given to
 * forkserver_event_free), 0 when none came within the time, -1 when the
 * connection is gone and no event is left.  Events that came while something
 * else was waited for are kept, in order, until they are taken here.
 */
FORKSERVER_API int forkserver_next_event(struct forkserver *, int timeout_ms,
    struct forkserver_event *ev, struct forkserver_error *);

/*
 * For a poll loop: the descriptor to watch, and for what (POLLIN, and POLLOUT
 * while a request is not written whole).  When it is ready, call
 * forkserver_result and forkserver_next_event with time 0 until each returns
 * 0; do so before the first poll, too, as any call may have read ahead.
 */
FORKSERVER_API int forkserver_fd(const struct forkserver *);
FORKSERVER_API short forkserver_poll_events(const struct forkserver *);

FORKSERVER_API void forkserver_reply_free(struct forkserver_reply *);
FORKSERVER_API void forkserver_event_free(struct forkserver_event *);

#ifdef __cplusplus
}
#endif

#endif
