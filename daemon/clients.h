/*
 * clients: the set of the connections.  Owns who is in it, from a connection's
 * first moment to its last; what goes in and out over one is client's.
 */
#ifndef DAEMON_CLIENTS_H
#define DAEMON_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/client.h"
#include "daemon/table.h"
#include "proto/msg.h"

struct server;

TAILQ_HEAD(client_list, client);

struct clients {
	struct client_list list;
	struct table by_id;
	uint64_t last_id;
	size_t n;       /* without those that are refused */
	size_t refused; /* and wait to hear it */
	size_t unplaced;
};

void clients_init(struct clients *);
/* Takes FD, a connection just accepted. */
void client_new(struct server *, int fd);
/* Ends it and the leases that hang on it: from the loop only. */
void client_end(struct client *);
/* NULL when it has ended. */
struct client *client_find(struct server *, uint64_t id);
/* As client_put, by id; O is freed where the client has ended. */
int client_put_id(struct server *, uint64_t id, struct msg_out *o);
/* The event `draining`, to all. */
void clients_tell_draining(struct server *);
/* Whether any has output that is not written. */
bool clients_pending(const struct server *);
void clients_fini(struct server *);

#endif
