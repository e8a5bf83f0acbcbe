/*
 * dispatch: from a client's message to the method that serves it.  Owns the
 * table of methods; each method has its own function in a method_*.c file.
 */
#ifndef DAEMON_DISPATCH_H
#define DAEMON_DISPATCH_H

#include <msgpack.h>
#include <stdint.h>

#include "proto/clock.h"
#include "proto/err.h"
#include "proto/msg.h"

struct child;
struct client;
struct map;
struct server;

/* As the limit of a spawn's grace_ns. */
#define GRACE_MAX_NS (86400 * NS_PER_S)

struct request {
	struct server *srv;
	struct client *client;
	uint32_t id;
	const msgpack_object *params;
	uint64_t read_ns; /* when the daemon had read it */
};

/* 0 when it has answered or will; -1 with E filled: dispatch answers. */
typedef int method_fn(struct request *, struct err *);

method_fn method_hello, method_ping, method_spawn, method_wait, method_cancel,
    method_kill, method_signal, method_list, method_inspect, method_status,
    method_templates, method_subscribe, method_unsubscribe, method_attach,
    method_detach, method_reload, method_drain, method_shutdown, method_dump;

/* Serves a request. */
void dispatch_request(struct client *, const struct msg *);
/* Answers with E. */
void dispatch_error(struct client *, uint32_t id, const struct err *);
/* Packs the array of the names of all methods. */
void dispatch_pack_names(msgpack_packer *);

/* For methods: begins the result of REQ in O. */
void request_begin(const struct request *, struct msg_out *o);
/* Sends an empty map as the result. */
void request_done(const struct request *);
/* The child of that ID, named by KEY, if the peer may know of it.  NULL with E
 * filled. */
struct child *request_find(const struct request *, uint64_t id, const char *key,
    struct err *);
/* Begins to read the params, and finds the child that `id` names. */
struct child *request_child(const struct request *, struct map *, struct err *);
/* Refuses any params.  0 or -1. */
int request_no_params(const struct request *, struct err *);

#endif
