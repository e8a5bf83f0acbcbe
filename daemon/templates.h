/*
 * templates: what is served under each name.  Owns its two lanes (warm, cold),
 * who waits in them, and when a zygote that failed is tried again.
 */
#ifndef DAEMON_TEMPLATES_H
#define DAEMON_TEMPLATES_H

#include <ev.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/account.h"
#include "daemon/children.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/freshness.h"
#include "daemon/pool.h"
#include "daemon/renewal.h"
#include "daemon/zygote.h"
#include "proto/map.h"

enum lane_state { LANE_IDLE, LANE_STARTING, LANE_READY, LANE_FAILED };

/* One way of a template to start children: the zygote that serves, its queue.
 * One that is coming to take its place is renewal.h's, others that still have
 * children are nobody's. */
struct lane {
	struct template *t;
	enum zygote_kind kind;
	struct zygote *z;        /* NULL: none; may be ending */
	struct child_list queue; /* wait for it, uid by uid in turn */
	TAILQ_ENTRY(lane) gather;
	bool gathered;         /* it is served at the end of the turn */
	uint64_t round;        /* of the last that was served */
	struct failure fail;   /* of the last try */
	unsigned failures;     /* in a row */
	unsigned early_deaths; /* in a row, of ready zygotes */
	uint64_t retry_at;
	ev_timer retry;
};

/* Counted: it is served while it is in the list, and stays until the last
 * child, zygote and standby of it is forgotten. */
struct template
{
	TAILQ_ENTRY(template) link;
	unsigned users;
	bool gone;       /* it is in the other list */
	uint64_t number; /* never reused */
	struct server *srv;
	const struct config_template *cfg; /* that it uses */
	uint64_t
	    generation; /* of the newest zygote, also where that failed to start; from 1 */
	enum zygote_way way; /* as the last warm zygote found */
	bool way_known;      /* false: it is only supposed */
	char *reason;        /* why not promoted; NULL: it is */
	struct lane warm, cold;
	struct pool pool; /* of the warm one */
	struct renewal renewal;
	struct freshness freshness;

	/* Of tenants.h. */
	bool tenant;
	struct account account; /* whose zygotes it has */
	uint64_t used_ns;       /* when a child came or went last */
	ev_timer idle;
};

TAILQ_HEAD(template_list, template);

struct templates {
	struct template_list list; /* that are served */
	size_t n;                  /* of these */
	struct template_list gone; /* that others still use */
	uint64_t last_number;
	struct zygote_list zygotes; /* all that are not reaped */
	uint64_t forks;             /* that these were told to make */
	uint64_t orders;            /* messages that they were told in */
};

/* Makes the templates of the configuration; none is started. */
int templates_init(struct server *, struct err *);
/* Starts those with start = "auto". */
void templates_start(struct server *);
void templates_fini(struct server *);
/* Tells every zygote to end; none is started any more. */
void templates_end(struct server *);
/* Forgets all standbys, at the daemon's own end. */
void templates_forget_standbys(struct server *);
/* Ends all standbys, for good. */
void templates_end_standbys(struct server *);
/* That of the process PID, NULL: there is none. */
struct standby *templates_standby_by_pid(struct server *, pid_t pid);
/* Whether each auto template is ready or has failed. */
bool templates_settled(const struct server *);

/* One that is served from now on, and not started.  NULL: no memory. */
struct template *template_new(struct server *, const struct config_template *);
/* One more user of T, and one less: with the last it is freed. */
struct template *template_use(struct template *);
void template_drop(struct template *);
/* It is in the list no more; those who use it still may. */
void template_remove(struct template *);
/* It is served no more: who waits is refused; its children live on. */
void template_end(struct template *);

/* NULL: there is none of that number. */
struct template *template_by_number(struct server *, uint64_t number);
/* NULL with E filled (unknown_template). */
struct template *template_find(struct server *, struct bytes name,
    struct err *);
/* As whom its zygotes are made by CFG; NULL: as the daemon itself. */
const struct account *template_account(const struct template *,
    const struct config_template *cfg);
const char *template_name(const struct template *);
/* The lane that serves those who do not ask for one; its state. */
struct lane *template_lane(const struct template *);
enum lane_state template_state(const struct template *);
/* Its last try to start has failed; another one may be on its way. */
bool template_fails(const struct template *);
/* The zygote of that lane: it serves, or will, or is ending; or NULL. */
struct zygote *template_zygote(const struct template *);
/* CFG is in force from now on, as far as it needs no other zygote. */
void template_configure(struct template *, const struct config_template *cfg);
/* The map of `templates`. */
void template_pack(const struct template *, msgpack_packer *);
/* `uid`, as whom its zygote runs; none where each user has his own of it. */
void template_pack_uid(const struct template *, msgpack_packer *,
    struct pack_map *);

/* Where a standby may serve C and one is there, C gets it.  1, 0, or -1 with E
 * filled. */
int template_standby(struct child *, struct err *);
/* Has the child forked, now or when its lane is ready; where its lane has
 * failed its spawn is answered and C freed. */
void template_submit(struct child *);

const char *lane_name(const struct lane *);
/* C, whose zygote died before the fork, waits for the next one. */
void lane_again(struct child *);
/* C waits no longer. */
void lane_leave(struct child *);
/* What zygote.c tells. */
void lane_ready(struct lane *, struct zygote *);
/* Takes what is in F. */
void lane_over(struct lane *, const struct zygote *, uint64_t lived_ns,
    struct failure *f);

#endif
