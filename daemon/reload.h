/*
 * reload: the configuration is read again, and what it changes is made anew
 * while the old serves.  Owns the requests for that, the process that reads the
 * file, and what has become of each template; renewal.h makes a template's next
 * generation.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/config_load.h"
#include "daemon/config_read.h"
#include "daemon/failure.h"
#include "proto/map.h"

struct request;
struct server;
struct template;

enum reload_what {
	RELOAD_ADDED,
	RELOAD_RENEWED, /* by another generation */
	RELOAD_CHANGED, /* without one */
	RELOAD_REMOVED,
};

/* What becomes of one template. */
struct reload_step {
	TAILQ_ENTRY(reload_step) link;
	struct template *t; /* that it uses */
	enum reload_what what;
	uint64_t generation; /* that is made, 0: none */
	bool pending;
	struct failure fail; /* code 0: it has not failed */
};

/* One request. */
struct reload {
	TAILQ_ENTRY(reload) link;
	uint64_t conn; /* 0: a signal's */
	uint32_t request;
	char *name; /* of the only template; NULL: all that has changed */
	TAILQ_HEAD(, reload_step) steps;
	size_t pending;
	struct words restart; /* keys of [server] that are not in force */
};

TAILQ_HEAD(reload_list, reload);

struct reloads {
	const struct config_source *source;
	struct reload_list next;    /* the file is still to be read */
	struct reload_list reading; /* ... is being read */
	struct reload_list making;  /* templates are made */
	struct config_reader reader;
	ev_timer limit;   /* of the reader */
	bool late;        /* it was over */
	bool told;        /* systemd, that one is under way */
	struct err wrong; /* why the file is not in force, code 0: it is */
};

void reloads_init(struct server *, const struct config_source *);
void reloads_fini(struct server *);
/* The daemon ends: whoever waits is told, and nothing is made any more. */
void reloads_end(struct server *);

/* Reloads for RQ, which gets the answer when all is made (NULL: for a signal),
 * and NAME alone where that is not empty.  0, or -1 with E filled. */
int reload_ask(struct server *, const struct request *rq, struct bytes name,
    struct err *);
/* Whether the process PID was the reader, whose end is STATUS. */
bool reload_reaped(struct server *, pid_t pid, int status);
/* T's GENERATION, and with it any before it, is ready, or has failed for F. */
void reload_told(struct template *, uint64_t generation,
    const struct failure *f);

#endif
