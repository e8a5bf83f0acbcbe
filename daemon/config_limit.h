/*
 * config_limit: a value of the configuration that is one of proto/limits.h; the
 * key has its name.
 */
#ifndef DAEMON_CONFIG_LIMIT_H
#define DAEMON_CONFIG_LIMIT_H

#include <msgpack.h>

#include "daemon/config_value.h"
#include "proto/limits.h"

/* As config_value_text and config_value_object. */
int config_limit_text(const struct config_key *, struct limits *,
    const char *where, const char *text, struct err *);
int config_limit_object(const struct config_key *, struct limits *,
    const char *where, const msgpack_object *, struct err *);

#endif
