/*
 * zygote: one zygote process as seen from outside: its start, its socket, what
 * it says, its end.  Which one is needed and when is the lane's affair.  What
 * a zygote says is not trusted: one that breaks the protocol is killed, and
 * replaced as one that died.
 */
#ifndef DAEMON_ZYGOTE_H
#define DAEMON_ZYGOTE_H

#include <ev.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "proto/err.h"
#include "proto/stream.h"

struct child;
struct config_template;
struct lane;
struct server;

enum zygote_kind { ZYGOTE_WARM, ZYGOTE_COLD };
enum zygote_way { ZYGOTE_PROMOTED, ZYGOTE_UNPROMOTED, ZYGOTE_ADOPTS_NOT };
enum zygote_state {
	ZYGOTE_STARTING, /* configured, preloads are running */
	ZYGOTE_READY,    /* can fork */
	ZYGOTE_ENDING,   /* told to end, or killed, or its socket is
				 * closed: not reaped yet */
};

struct zygote {
	TAILQ_ENTRY(zygote) link; /* of all that are not reaped */
	struct server *srv;
	struct lane *lane;                 /* whose template it uses */
	const struct config_template *cfg; /* that it was made by */
	uint64_t generation;
	enum zygote_state state;
	bool was_ready, retired;
	bool outgoing; /* it serves no more, and ends with its last user */
	size_t users;  /* children and standbys that it has forked, or is to,
			* and that are not over */
	pid_t pid;
	struct stream st;
	ev_io rd, wr;
	ev_timer timer;    /* preload time-out; then: pulse; then: kill */
	bool heard, asked; /* of the pulse: since it was last looked at */
	bool leases_owed;  /* to children with lease_owed */
	uint64_t started_ns, ready_ns; /* when */
	size_t forking;    /* children that are ordered, and not forked */
	char loading[128]; /* the import that runs, "" if none */
	struct err killed; /* why we killed it; code 0: not */

	/* Of the answer to configure. */
	char *python, *reason; /* NULL: not told */
	enum zygote_way way;
	msgpack_sbuffer preload, warnings; /* packed arrays, empty: not told */
	struct failure *fail;              /* the error, NULL: none */
};

TAILQ_HEAD(zygote_list, zygote);

/* Starts the process by the configuration CFG and sends it `configure`.  NULL
 * with E filled. */
struct zygote *zygote_start(struct lane *, const struct config_template *cfg,
    uint64_t generation, struct err *);
/* *AT, of a child or a standby, is Z: one more user.  Is no more: one less. */
void zygote_bind(struct zygote **at, struct zygote *z);
void zygote_unbind(struct zygote **at);
/*
 * Its lane has another one.  It reaps its children, and kills what they leave
 * behind where the daemon itself is gone: so it goes on until they are over,
 * and is told to end then.
 */
void zygote_let_go(struct zygote *);
/* Reads what it has said. */
void zygote_hear(struct zygote *);
/* Sends it O; a zygote that cannot be written to is killed. */
void zygote_put(struct zygote *, struct msg_out *o);
/* Tells it to end, by EOF; it is killed when it does not.  Its end is not
 * reported to the lane, which has let go of it. */
void zygote_retire(struct zygote *);
/* SIGKILL, for the reason WHY. */
void zygote_kill(struct zygote *, const struct err *why);
/* It was reaped: its last words are read, its children orphaned, the lane
 * told; Z is freed. */
void zygote_over(struct zygote *, int status);

/* Closes its socket and forgets it, at the daemon's own end. */
void zygote_free(struct zygote *);

/* Name on the wire. */
const char *zygote_way_name(enum zygote_way);

#endif
