/*
 * client: the connection of one client.  Owns its stream, its input and output
 * and when it ends; what is asked and answered over it is dispatch's, the set of
 * them clients'.
 *
 * A connection ends with its EOF, its peer's process, a fault of its frames or
 * too much unread output.  It is never freed inside a call of another module:
 * it is marked and ended from the loop.
 */
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "daemon/account.h"
#include "proto/err.h"
#include "proto/msg.h"
#include "proto/stream.h"

struct server;

enum client_state {
	CLIENT_OPEN,
	CLIENT_REFUSED, /* gets `refusal` as its first answer */
	CLIENT_CLOSING, /* sends what is queued, then ends */
	CLIENT_BROKEN,  /* ends at the loop's next turn */
};

struct client {
	TAILQ_ENTRY(client) link;
	struct server *srv;
	uint64_t id; /* from 1, never reused */
	enum client_state state;
	bool refused;
	struct err refusal;
	struct account account;
	struct user *user; /* NULL: there was no memory, and it is refused */
	size_t requests;   /* that are not answered */
	uint64_t bytes;    /* that it buffers, as its user was told */
	pid_t pid;
	int pidfd; /* of the process that connected, or -1 */
	struct stream st;
	ev_io rd, wr, peer;
	ev_timer turn;     /* goes on with what was left for later */
	ev_timer linger;   /* ends a refused or closing one; an open one is told
			    * what was lost */
	size_t waits;      /* children that its waits are for */
	size_t wait_bytes; /* records that these have gathered */
	uint64_t child;    /* that it belongs to; 0: none, or not known */
	bool unplaced;     /* that may still turn out */
	unsigned subscriptions;
	uint64_t told; /* the last event, see struct events */
	uint64_t
	    lost; /* events that it was too slow for, or memory too scarce */
};

/* What comes over FD, which its stream has, is read from now on. */
void client_watch(struct client *, int fd);
/* Ends it at the loop's next turn; what is queued is not sent. */
void client_break(struct client *);
/* Sends O, whose bytes and fds it takes.  A client that cannot take it is
 * dropped and logged.  0, or -1: there was no memory for it, and where it is a
 * response the client is told `busy` in its place, else the event is lost. */
int client_put(struct client *, struct msg_out *o);

#endif
