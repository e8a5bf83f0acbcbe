/*
 * events: what is told to those who asked to hear of it.  Owns the
 * subscriptions and what becomes of a reader that is slow; what an event says
 * is packed by whom it happens to.
 *
 * An owner's own `exited` is record's to tell, and is never dropped.  All that
 * is told here is dropped while a connection has too much unread, or there is no
 * memory for it, and counted: `lost` says how many, before the next event or when
 * the reader has caught up and there is memory again.
 */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/err.h"

struct child;
struct client;
struct server;
struct template;

#define EVENTS_SUBSCRIPTIONS_MAX 1024 /* of one connection */

struct subscription {
	TAILQ_ENTRY(subscription) link;
	uint64_t id, conn;
	uint64_t child; /* 0: all */
	bool tree;      /* ... and those below it */
	bool output;    /* `output`, too */
};

TAILQ_HEAD(subscription_list, subscription);

struct events {
	struct subscription_list list;
	uint64_t last_id;
	uint64_t told; /* events so far, for `told` of a client */
};

void events_init(struct events *);
void events_fini(struct events *);

/* Subscribes CL as S says, whose id and conn are filled in.  0, or -1 with E
 * filled. */
int events_subscribe(struct client *, struct subscription *s, struct err *);
/* False: it has no subscription of that id. */
bool events_unsubscribe(struct client *, uint64_t id);
/* A connection has ended. */
void events_client_gone(struct server *, uint64_t conn);
/* A connection has nothing unread any more. */
void events_caught_up(struct client *);

void events_started(const struct child *);
/* To all but its owner, who has been told. */
void events_exited(const struct child *);
/* A template's state is another one. */
void events_template(const struct template *);

/* Writes the params of an event, a map. */
typedef void event_pack(msgpack_packer *, const void *what);
/* Whether somebody hears the output of C.  To ask before work is done. */
bool events_output_wanted(const struct child *);
/* The event `output` of C, to those who asked for its output and to the
 * connection OWNER, where that is not 0. */
void events_output(const struct child *, uint64_t owner, event_pack *,
    const void *what);

#endif
