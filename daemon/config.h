/*
 * config: what the daemon was told.  Owns the struct; every source is checked
 * against config_keys.h.  config_load.c reads the sources; command line wins
 * over environment over file over default.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/account.h"
#include "proto/err.h"
#include "proto/limits.h"
#include "proto/map.h"

enum config_mode { MODE_LEGACY, MODE_ISOLATED };
enum config_start { START_AUTO, START_DEMAND };
enum config_whose { WHOSE_DAEMON, WHOSE_NAMED, WHOSE_PEER };
enum config_cgroup { CGROUP_AUTO, CGROUP_ON, CGROUP_OFF };

struct words {
	char **v; /* of a table: "key=value" */
	size_t n;
};

struct config_server {
	char *socket;  /* path; "" until config_finish */
	uint64_t mode; /* of the socket file */
	struct words allow_users, allow_groups; /* beside the daemon's own */
	bool allow_confined;
	uint64_t max_clients;
	/* What one guest may take of that. */
	uint64_t user_clients, user_children, user_starting, user_requests,
	    user_buffered, user_spawn_rate;
	uint64_t max_requests;     /* not answered */
	uint64_t max_buffered;     /* bytes, of all connections */
	uint64_t max_spawn_rate;   /* a second; 0: none */
	uint64_t max_children;     /* live, all states */
	uint64_t max_starting;     /* of these, not yet running */
	uint64_t max_standbys;     /* of all templates */
	uint64_t max_tenants;      /* templates of users */
	uint64_t max_queued_bytes; /* output of one client */
	uint64_t records;          /* exit records that are kept */
	uint64_t tokens;           /* of spawns */
	uint64_t token_expiry_ns;  /* from the child's end on */
	uint64_t grace_ns;
	char *zygote;  /* path of the zygote's executable */
	int log_level; /* enum log_level */
	uint64_t drain_timeout_ns;
	bool drain_detached;
	uint64_t zygote_ns; /* to answer; 0: is not asked */
	int cgroup;         /* enum config_cgroup */
};

/* Counted: a template and each of its zygotes keep the one that they were made
 * by, which the configuration may have replaced. */
struct config_template {
	unsigned users;
	char *name;
	int mode; /* enum config_mode */
	bool promote;
	bool watch;
	struct words preload, path, env;
	char *venv; /* "": none */
	struct words prime, after_fork, allow;
	char *user; /* "": the daemon's own, or the peer's, or a name */
	enum config_whose whose; /* what that means, and for a name, */
	struct account account;  /* whose it is, since config_finish */
	bool no_new_privs;
	struct limits limits; /* of its children */
	uint64_t idle_ns;     /* of a peer's; 0: it stays */
	uint64_t canary_ns, preload_ns;
	int start; /* enum config_start */
	uint64_t standby_min, standby_max;
	uint64_t standby_age_ns; /* 0: they do not age */
};

struct config {
	char *file; /* NULL: none was read */
	struct config_server server;
	struct config_template **templates; /* "default" is always there */
	size_t ntemplates;
};

/* Bytes of a template's name: [A-Za-z0-9_-]. */
#define CONFIG_NAME_MAX 64

/* Defaults, with the template `default`.  0, or -1: no memory. */
int config_init(struct config *, struct err *);
void config_fini(struct config *);

/* Sets section.key, given as "server.mode" or "template.NAME.preload", from
 * text as it stands in the environment and after --set.  Makes the template
 * where it is not there.  0, or -1 with E naming key and what was expected. */
int config_set(struct config *, const char *path, const char *value,
    struct err *);
/* Everything of one file, as read by --read-config. */
int config_set_all(struct config *, const msgpack_object *, struct err *);
/* For FORKSERVERD_SERVER_KEY and FORKSERVERD_TEMPLATE_NAME_KEY: the path that
 * config_set takes.  1, 0 when the variable is not of these two kinds, -1. */
int config_path_of_env(const struct config *, const char *name, char *path,
    size_t n, struct err *);
/* Puts in what depends on the place: socket and zygote, and the accounts of
 * users, for which the user database is asked. */
int config_finish(struct config *, struct err *);

/* The zygote beside this executable, else the installed one.  The caller
 * frees it; NULL: no memory. */
char *config_default_zygote(void);
/* The whole of it as TOML. */
void config_print(const struct config *, FILE *);

const char *config_mode_name(int mode);

/* One more user of T, and one less: with the last it is freed. */
const struct config_template *config_template_use(const struct config_template
	*);
void config_template_drop(const struct config_template *); /* or NULL */

#endif
