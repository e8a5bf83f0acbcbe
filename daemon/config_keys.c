#include "daemon/config_keys.h"

#include <stddef.h>
#include <string.h>

#include "daemon/log.h"
#include "proto/allow.h"

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
	NULL,
};
static const char *const mode_names[] = {
	[MODE_LEGACY] = "legacy",
	[MODE_ISOLATED] = "isolated",
	NULL,
};
static const char *const start_names[] = {
	[START_AUTO] = "auto",
	[START_DEMAND] = "demand",
	NULL,
};

static const char *const cgroup_names[] = {
	[CGROUP_AUTO] = "auto",
	[CGROUP_ON] = "on",
	[CGROUP_OFF] = "off",
	NULL,
};

static const char *const allow_names[] = ALLOW_NAMES;

#define SERVER(field) offsetof(struct config_server, field)
const struct config_key config_server_keys[] = {
	{ "socket", KIND_TEXT, SERVER(socket), "", 0, 0, NULL },
	{ "mode", KIND_OCTAL, SERVER(mode), "0600", 0, 0777, NULL },
	{ "allow_users", KIND_LIST, SERVER(allow_users), "", 0, 0, NULL },
	{ "allow_groups", KIND_LIST, SERVER(allow_groups), "", 0, 0, NULL },
	{ "allow_confined", KIND_BOOL, SERVER(allow_confined), "false", 0, 0,
	    NULL },
	{ "max_clients", KIND_COUNT, SERVER(max_clients), "256", 1, 100000,
	    NULL },
	{ "user_clients", KIND_COUNT, SERVER(user_clients), "64", 1, 100000,
	    NULL },
	{ "user_children", KIND_COUNT, SERVER(user_children), "1024", 1,
	    1000000, NULL },
	{ "user_starting", KIND_COUNT, SERVER(user_starting), "256", 1, 1000000,
	    NULL },
	{ "user_requests", KIND_COUNT, SERVER(user_requests), "4096", 1,
	    1000000, NULL },
	{ "user_buffered", KIND_COUNT, SERVER(user_buffered), "134217728",
	    65536, UINT64_C(1) << 40, NULL },
	{ "user_spawn_rate", KIND_COUNT, SERVER(user_spawn_rate), "0", 0,
	    1000000, NULL },
	{ "max_requests", KIND_COUNT, SERVER(max_requests), "65536", 1,
	    10000000, NULL },
	{ "max_buffered", KIND_COUNT, SERVER(max_buffered), "1073741824", 65536,
	    UINT64_C(1) << 40, NULL },
	{ "max_spawn_rate", KIND_COUNT, SERVER(max_spawn_rate), "0", 0, 1000000,
	    NULL },
	{ "max_children", KIND_COUNT, SERVER(max_children), "4096", 1, 1000000,
	    NULL },
	{ "max_starting", KIND_COUNT, SERVER(max_starting), "1024", 1, 1000000,
	    NULL },
	{ "max_standbys", KIND_COUNT, SERVER(max_standbys), "256", 0, 100000,
	    NULL },
	{ "max_tenants", KIND_COUNT, SERVER(max_tenants), "64", 1, 10000,
	    NULL },
	{ "max_queued_bytes", KIND_COUNT, SERVER(max_queued_bytes), "67108864",
	    65536, UINT64_C(1) << 40, NULL },
	{ "records", KIND_COUNT, SERVER(records), "4096", 0, 1000000, NULL },
	{ "tokens", KIND_COUNT, SERVER(tokens), "16384", 0, 1000000, NULL },
	{ "token_expiry", KIND_SECONDS, SERVER(token_expiry_ns), "300.0", 0,
	    86400, NULL },
	{ "grace", KIND_SECONDS, SERVER(grace_ns), "5.0", 0, 86400, NULL },
	{ "zygote", KIND_TEXT, SERVER(zygote), "", 0, 0, NULL },
	{ "log_level", KIND_CHOICE, SERVER(log_level), "info", 0, 0,
	    level_names },
	{ "drain_timeout", KIND_SECONDS, SERVER(drain_timeout_ns), "60.0", 0,
	    86400, NULL },
	{ "drain_detached", KIND_BOOL, SERVER(drain_detached), "false", 0, 0,
	    NULL },
	{ "zygote_timeout", KIND_SECONDS, SERVER(zygote_ns), "5.0", 0, 86400,
	    NULL },
	{ "cgroup", KIND_CHOICE, SERVER(cgroup), "auto", 0, 0, cgroup_names },
	{ 0 },
};

#define TEMPLATE(field) offsetof(struct config_template, field)
const struct config_key config_template_keys[] = {
	{ "mode", KIND_CHOICE, TEMPLATE(mode), "legacy", 0, 0, mode_names },
	{ "promote", KIND_BOOL, TEMPLATE(promote), "true", 0, 0, NULL },
	/* config.c: for root not. */
	{ "watch", KIND_BOOL, TEMPLATE(watch), "true", 0, 0, NULL },
	{ "preload", KIND_LIST, TEMPLATE(preload), "trio", 0, 0, NULL },
	{ "path", KIND_LIST, TEMPLATE(path), "", 0, 0, NULL },
	{ "venv", KIND_TEXT, TEMPLATE(venv), "", 0, 0, NULL },
	{ "prime", KIND_LIST, TEMPLATE(prime), "", 0, 0, NULL },
	{ "after_fork", KIND_LIST, TEMPLATE(after_fork), "", 0, 0, NULL },
	{ "allow", KIND_LIST, TEMPLATE(allow), "", 0, 0, allow_names },
	{ "env", KIND_TABLE, TEMPLATE(env), "", 0, 0, NULL },
	{ "canary_timeout", KIND_SECONDS, TEMPLATE(canary_ns), "10.0", 0, 86400,
	    NULL },
	{ "preload_timeout", KIND_SECONDS, TEMPLATE(preload_ns), "120.0", 0,
	    86400, NULL },
	{ "user", KIND_TEXT, TEMPLATE(user), "", 0, 0, NULL },
	{ "no_new_privs", KIND_BOOL, TEMPLATE(no_new_privs), "false", 0, 0,
	    NULL },
	{ "rlimits", KIND_LIMIT, TEMPLATE(limits), "", 0, 0, NULL },
	{ "nice", KIND_LIMIT, TEMPLATE(limits), "", 0, 0, NULL },
	{ "cpus", KIND_LIMIT, TEMPLATE(limits), "", 0, 0, NULL },
	{ "oom_score_adj", KIND_LIMIT, TEMPLATE(limits), "", 0, 0, NULL },
	{ "memory_max", KIND_LIMIT, TEMPLATE(limits), "", 0, 0, NULL },
	{ "cpu_weight", KIND_LIMIT, TEMPLATE(limits), "", 0, 0, NULL },
	{ "pids_max", KIND_LIMIT, TEMPLATE(limits), "", 0, 0, NULL },
	{ "idle", KIND_SECONDS, TEMPLATE(idle_ns), "600.0", 0, 86400 * 7,
	    NULL },
	{ "start", KIND_CHOICE, TEMPLATE(start), "auto", 0, 0, start_names },
	{ "standby_min", KIND_COUNT, TEMPLATE(standby_min), "2", 0, 10000,
	    NULL },
	{ "standby_max", KIND_COUNT, TEMPLATE(standby_max), "16", 0, 10000,
	    NULL },
	{ "standby_age", KIND_SECONDS, TEMPLATE(standby_age_ns), "600.0", 0,
	    86400, NULL },
	{ 0 },
};

const char *
config_mode_name(int mode)
{
	return mode_names[mode];
}

const struct config_key *
config_key_find(const struct config_key *k, const char *name, size_t n)
{
	for (; k->name != NULL; k++)
		if (strlen(k->name) == n && memcmp(k->name, name, n) == 0)
			return k;
	return NULL;
}
