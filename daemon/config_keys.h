/*
 * config_keys: the keys of the configuration: their kinds, defaults and limits,
 * as tables.  Owns no values.
 */
#ifndef DAEMON_CONFIG_KEYS_H
#define DAEMON_CONFIG_KEYS_H

#include "daemon/config_value.h"

/* Of [server] and of each [template.NAME]; a key without a name ends them. */
extern const struct config_key config_server_keys[];
extern const struct config_key config_template_keys[];

/* The key of that name, N bytes, or NULL. */
const struct config_key *config_key_find(const struct config_key *,
    const char *name, size_t n);

#endif
