/*
 * rpc: one call to the daemon and its answer as objects.  Owns the connection
 * of a verb and how failures are told to the user.
 */
#ifndef FORKCTL_RPC_H
#define FORKCTL_RPC_H

#include <msgpack.h>

#include "client/forkctl/verb.h"
#include "client/forkserver.h"
#include "proto/map.h"
#include "proto/pack.h"

#define RPC_TIMEOUT_MS 30000 /* of calls that the daemon answers at once */

/* The params of a call while they are packed: params_init, then pack_kv_… on
 * pk and map, then rpc_call or rpc_once, which end and free them. */
struct params {
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct pack_map map;
};
void params_init(struct params *);
void params_fini(struct params *);

/* The answer, or the error that came in its place. */
struct answer {
	struct forkserver_reply reply;
	struct forkserver_error error;
	bool failed;
	msgpack_unpacked value; /* result or error map; nil if there is none */
};
void answer_init(struct answer *);
void answer_fini(struct answer *);
/* Unpacks what A->reply holds. */
void answer_open(struct answer *);

/* Connects, or says why not and returns NULL. */
struct forkserver *rpc_connect(struct context *);

/* Calls METHOD with P (may be NULL; freed here) and no descriptors. */
int rpc_call(struct forkserver *, const char *method, struct params *p,
    int timeout_ms, struct answer *);

/* Asks METHOD of child ID, with SIG where that is not 0, and does not wait for
 * the answer: the child may have ended. */
void rpc_tell(struct forkserver *, const char *method, uint64_t id, int sig);

/* Connects, calls and closes; A is to be ended by answer_fini.  0, or the
 * exit status after the failure was told. */
int rpc_once(struct context *, const char *method, struct params *p,
    int timeout_ms, struct answer *);

/* Tells a failure on standard error (with --json as the error map on standard
 * output) and returns the exit status that goes with it. */
int rpc_failed(const struct context *, const struct answer *);
/* The same of a spawn: EXIT_TIMEOUT where it was given up. */
int rpc_failed_start(const struct context *, const struct answer *);

/* The end of a verb whose result is an empty map: with --json prints it.
 * Frees A. */
void rpc_done(const struct context *, struct answer *a, int status);

/* The text of KEY in the map O; empty if there is none. */
struct bytes rpc_text(const msgpack_object *o, const char *key);
/* The uint of KEY in the map O, 0 if there is none. */
uint64_t rpc_uint(const msgpack_object *o, const char *key);

/* Reads a child's id from the command line.  0, or -1. */
int rpc_id(const char *word, uint64_t *id);

/* "1.5" or "1.5s" seconds to nanoseconds.  0, or -1. */
int rpc_seconds(const char *word, uint64_t *ns);

#endif
