/*
 * msg: one message of MessagePack-RPC, taken apart or put together.  Owns the
 * memory zone of an unpacked message.  It knows nothing of methods.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

#define MSG_MAX_FDS 253 /* SCM_MAX_FD of the kernel */

enum msg_type { MSG_REQUEST = 0, MSG_RESPONSE = 1, MSG_NOTIFY = 2 };

struct msg {
	enum msg_type type;
	uint32_t id;     /* requests and responses */
	char method[32]; /* requests and notifications; cut if longer */
	/*
	 * The one map of params (an empty map where params is []; of a
	 * notification nil where it is something else), or of a response the
	 * error (nil if there is none) and the result.
	 */
	msgpack_object params, error, result;
	msgpack_unpacked unpacked; /* owns all of the above */
};

/*
 * Unpacks one frame of N bytes, as frame_scan measured it.  Returns 0 with M
 * owning a zone; the objects of bin, str and ext point into P, which the
 * caller keeps until msg_fini.  Returns -1 with E filled: ERR_INVALID_REQUEST
 * where M->type and M->id are good enough to answer (M->type is then
 * MSG_REQUEST), else ERR_MALFORMED.
 */
int msg_unpack(struct msg *m, const uint8_t *p, size_t n, struct err *);
void msg_fini(struct msg *);

/* What was packed, with the descriptors that ride on its first byte. */
struct msg_out {
	msgpack_sbuffer buf;
	msgpack_packer pk;
	unsigned nfds;
	bool error;  /* an error response: the nil of its result is owed */
	bool answer; /* a response, to the request ID */
	uint32_t id;
	int fds[MSG_MAX_FDS]; /* owned; sent, then closed */
};

void msg_out_init(struct msg_out *);
/* Frees the bytes and closes the fds that were not sent.  Safe twice. */
void msg_out_fini(struct msg_out *);
/* Takes FD: it will be sent with the message and closed.  -1: MSG_MAX_FDS are
 * there, FD is closed. */
int msg_out_fd(struct msg_out *, int fd);

/* Appends what an error response owes; stream_put calls it. */
void msg_out_seal(struct msg_out *);

/* Each begins a message; the caller then packs exactly one value: the params
 * map, or the result, or the error map. */
void msg_begin_request(struct msg_out *, uint32_t id, const char *method);
void msg_begin_notify(struct msg_out *, const char *method);
void msg_begin_result(struct msg_out *, uint32_t id);
void msg_begin_error(struct msg_out *, uint32_t id);

/* A whole error response made from E: code, message, key, errno, and what is
 * exhausted. */
void msg_error(struct msg_out *, uint32_t id, const struct err *);

/* Reads an error map as msg_error packs it; what is not there stays empty. */
void msg_read_error(const msgpack_object *, struct err *);

#endif
