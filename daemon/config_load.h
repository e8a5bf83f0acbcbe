/*
 * config_load: where the configuration comes from: the file by way of
 * `forkserver-zygote --read-config` (the daemon has no TOML), the environment,
 * the --set options.  Used before the loop starts, so it may block.
 */
#ifndef DAEMON_CONFIG_LOAD_H
#define DAEMON_CONFIG_LOAD_H

#include "daemon/config.h"

/*
 * Fills C, which config_init made.  FILE is that of --config (it must exist)
 * or NULL: then the first of $XDG_CONFIG_HOME/forkserverd.toml (or
 * ~/.config/forkserverd.toml) and /etc/forkserverd.toml that is there, if any.
 * SETS are the N arguments "path=value" of the command line.  0, or -1 with E
 * naming the source, the key and what was expected.
 */
int config_load(struct config *c, const char *file, char *const *sets, size_t n,
    struct err *);

#endif
