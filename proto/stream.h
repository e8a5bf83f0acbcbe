/*
 * stream: frames and file descriptors over one stream UNIX socket, in both
 * directions.  Owns the socket, what was received and not yet taken, and what
 * is queued to be sent.  Blocking is the caller's choice of socket flags; it
 * has no thread, no timer and no event loop.
 */
#ifndef PROTO_STREAM_H
#define PROTO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/frame.h"
#include "proto/msg.h"

struct stream_chunk;

struct stream {
	int fd; /* -1 once closed */
	struct frame_limits limits;
	size_t max_out;        /* bytes queued before stream_put refuses */
	void (*close_fd)(int); /* how received fds are closed; may be close */

	uint8_t *in; /* received, not yet taken */
	size_t in_at, in_len, in_cap;
	struct frame_scan scan;     /* of the frame at in_at */
	int infds[2 * MSG_MAX_FDS]; /* received, not yet claimed, in order */
	unsigned ninfds;

	struct stream_chunk *out_head, *out_tail;
	size_t out_bytes; /* queued and not yet written */
};

/* Takes FD.  MAX_OUT is in bytes. */
void stream_init(struct stream *, int fd, const struct frame_limits *,
    size_t max_out);
/* Closes the socket and every fd that is queued either way. */
void stream_fini(struct stream *);

enum stream_fill {
	STREAM_GOT,   /* some bytes came */
	STREAM_AGAIN, /* non-blocking and nothing there */
	STREAM_EOF,   /* the peer has closed (or reset) its end */
	STREAM_BAD,   /* E filled; the connection must end */
};
/* One recvmsg(2).  Fds arrive CLOEXEC.  A truncated control message is
 * STREAM_BAD with ERR_BAD_FDS; so are more fds than one frame may claim. */
enum stream_fill stream_fill(struct stream *, struct err *);

/*
 * Takes the next whole message.  Returns 1 with M filled (msg_fini it before
 * the next call to stream_next or stream_fill: it points into the buffer), 0
 * when a whole one is not there, -1 with E filled.  On -1 with
 * ERR_INVALID_REQUEST M has type and id, the frame is consumed, and the caller
 * answers and goes on; every other code costs the connection.  Fds that are
 * queued while no frame is begun are ERR_BAD_FDS.
 */
int stream_next(struct stream *, struct msg *m, struct err *);

/*
 * Moves the first N queued fds to FDS, which then owns them.  Returns 0, or
 * -1 with ERR_BAD_FDS when fewer are there (none is moved then).
 */
int stream_take_fds(struct stream *, unsigned n, int *fds, struct err *);

/*
 * Queues the message and writes what the socket takes at once.  Takes O's
 * bytes and fds in every case (O is empty afterwards and may be reused).
 * Returns 0, or -1 with E filled: ERR_LIMIT over max_out (nothing of O was
 * queued), ERR_DISCONNECTED, ERR_SYSTEM with ENOMEM where there was no memory to
 * pack or queue it.
 */
int stream_put(struct stream *, struct msg_out *o, struct err *);

/* Writes what is queued.  1: all written, 0: would block, -1: E filled. */
int stream_flush(struct stream *, struct err *);

bool stream_pending(const struct stream *); /* something to write */

#endif
