/*
 * children: what is known of each child, from its spawn to the end of its exit
 * record.  Owns the table of ids, the states and the ways between them; the
 * control socket is child_ctl's, records are record's, zygotes zygote's.
 *
 * A child is *over* when its exit status is here (the zygote's `reaped`, or
 * the daemon's own wait where the zygote died first), its control socket has
 * been read empty, and so has its captured output, or the time for that is
 * over.
 */
#ifndef DAEMON_CHILDREN_H
#define DAEMON_CHILDREN_H

#include <ev.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "daemon/asker.h"
#include "daemon/dump.h"
#include "daemon/hang.h"
#include "daemon/table.h"
#include "daemon/token.h"
#include "daemon/tree.h"
#include "daemon/waiter.h"
#include "daemon/walk.h"
#include "proto/err.h"
#include "proto/msg.h"
#include "proto/spawn.h"

struct capture;
struct child_ctl;
struct lane;
struct readiness;
struct request;
struct server;
struct template;
struct user;
struct zygote;

enum child_state {
	CHILD_QUEUED,     /* its zygote is not ready, or has others to do */
	CHILD_STARTING,   /* the fork is ordered */
	CHILD_RUNNING,    /* its user code runs */
	CHILD_CANCELLING, /* cancelled, not over */
	CHILD_ENDED,
};
#define CHILD_STATES (CHILD_ENDED + 1)

enum child_outcome {
	OUTCOME_NONE,
	OUTCOME_RESULT,
	OUTCOME_RESULT_ERROR,
	OUTCOME_EXCEPTION
};

struct child_usage {
	uint64_t utime_ns, stime_ns, maxrss_kb, minflt, majflt;
};

/* Points in time, 0 where not reached. */
struct child_times {
	uint64_t read, ordered, forked, adopted, setup, started, noticed, ready,
	    end;
};

struct child {
	TAILQ_ENTRY(child) link; /* of the live ones, then of the ended */
	TAILQ_ENTRY(child) line; /* of its lane, while queued */
	uint64_t round;          /* its turn there */
	struct server *srv;
	uint64_t id; /* from 1, never reused */
	enum child_state state;
	uid_t uid;
	struct user *user; /* of that uid */

	uint64_t owner;  /* connection; 0: detached */
	uint64_t parent; /* child that asked for it; 0: none */
	bool tied;       /* counted in its parent's kids */
	size_t kids;     /* live ones whose parent it is */
	uint64_t mark;   /* of the last sweep that met it */
	char cookie[TREE_COOKIE_MAX];
	uint64_t asker; /* connection that asked for it, or took it, last */
	struct askers askers; /* owed the spawn's answer */
	struct token *token;  /* NULL: none, or expired */
	bool answered;        /* the spawn was, either way */
	bool succeeded;       /* ... with a result */
	enum spawn_start want;
	uint64_t grace_ns;
	uint64_t timeout_ns, start_timeout_ns; /* 0: none */

	char *title, *entry;           /* entry: cut to ENTRY_SHOWN bytes */
	char texts[128];               /* both, where they fit */
	char *made_title, *made_entry; /* where not; else NULL */
	size_t texts_used;
	struct template *templ;
	struct lane *lane;     /* that it waits in or came from */
	struct zygote *zygote; /* NULL: before the order, and after
					 * the zygote's end */
	uint64_t generation;   /* 0 before the order */
	pid_t pid;             /* 0 before the fork */
	int pidfd;
	int child_end;               /* of the control socket: kept until
					 * the fork is known, of a standby
					 * until it answers, so that the job
					 * in it outlives them; then -1 */
	uint64_t order;              /* number of the last one, 0: none */
	unsigned orders;             /* processes that it was to be */
	bool standby;                /* it was one, or was to be */
	struct child_ctl *ctl;       /* NULL once ended */
	struct capture *capture;     /* NULL: none was asked for */
	struct readiness *readiness; /* NULL: to run is enough */
	bool contain;                /* in a control group of its own */
	char *cgroup;                /* its folder; NULL: none, or over */
	struct group_limits limits;  /* that this group has, or is to have */

	int64_t interpreter;
	bool promoted;
	struct child_times at;

	ev_timer kill_timer;
	uint64_t kill_at; /* 0: not armed */
	ev_timer limit_timer;
	bool cancelled, killed, timed_out;
	bool lease_over; /* its owner's end has been acted on */
	bool let_go;     /* somebody has said that it is to have no lease */
	bool lease_owed; /* its zygote has not been told of the last change */
	bool reaped;
	int status; /* as of wait4; -1: not known */
	bool has_usage;
	struct child_usage usage;
	enum child_outcome outcome;
	msgpack_sbuffer outcome_raw; /* one packed value */
	struct hang hang;
	uint64_t asked; /* number of the last ping or dump */

	struct waiter_line waiters;
};

TAILQ_HEAD(child_list, child);

struct children {
	struct child_list live;  /* by id; to end any: walk.h */
	struct child_list ended; /* by time */
	struct table by_id;
	struct table by_pid;   /* forked, not reaped; room for all live ones */
	struct table by_order; /* ordered, not ended */
	uint64_t last_id;
	uint64_t last_order; /* of children and standbys */
	uint64_t last_mark;
	struct waiter_list waiters;
	struct tokens tokens;
	struct dump_list dumps;
	struct walks walks; /* that are under way */
	size_t count[CHILD_STATES];
	size_t leased;       /* live ones with an owner */
	size_t record_bytes; /* of what the records of ended ones hold */
	uint64_t spawned;    /* successful spawns */
};

#define CHILD_ENTRY_SHOWN 1024
#define CHILD_OUTCOME_MAX (4u << 20)   /* result_bytes of hello */
#define CHILD_OUTCOMES_MAX (64u << 20) /* of all kept records together */

void children_init(struct server *);
void children_fini(struct server *);
size_t children_live(const struct server *);

struct child *child_find(struct server *, uint64_t id);
/* Gives C the number of its order, under which its zygote tells of it: a new
 * one for NUMBER 0.  0, or -1: no memory. */
int child_number(struct child *, uint64_t number);

/* A queued child of REQ, without a control socket.  NULL with E filled. */
struct child *child_new(const struct request *, const struct spawn *,
    struct template *, struct err *);

void child_set_state(struct child *, enum child_state);
const char *child_state_name(enum child_state);
/* "standby", "warm" or "cold": how it is (or will be) started. */
const char *child_start_name(const struct child *);

/* What the zygote says. */
void child_forked(struct child *, pid_t pid, int pidfd, uint64_t time_ns);
void child_reaped(struct child *, int status, const struct child_usage *);

/* Ends a child that was never forked: the caller has answered its spawn, its
 * waiters are told.  C is freed. */
void child_drop(struct child *);
/* Frees an ended child and its record. */
void child_forget(struct child *);
/* When its status is here and its output has been read: the record, the
 * answers, the event. */
void child_over(struct child *);

/* A connection has ended: its waits, its leases, its spawns in flight. */
void children_client_gone(struct server *, uint64_t conn);

#endif
