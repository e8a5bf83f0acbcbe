/*
 * config_change: what a new configuration changes in the one in force, and what
 * that takes.  Owns the lists of keys whose change is in force at once; a key
 * in neither takes a new zygote, or of [server] a restart.
 */
#ifndef DAEMON_CONFIG_CHANGE_H
#define DAEMON_CONFIG_CHANGE_H

#include "daemon/config.h"

enum config_change {
	CHANGE_NONE,
	CHANGE_LIVE, /* no zygote knows of it */
	CHANGE_ANEW, /* it takes a new zygote */
};

enum config_change config_template_change(const struct config_template *from,
    const struct config_template *to);
/*
 * What cannot change while the daemon runs stays in NEW as it is in OLD, which
 * gets NEW's in its place; CHANGED is called with the key of each that differs.
 */
void config_server_keep(struct config *new, struct config *old,
    void (*changed)(void *arg, const char *key), void *arg);

/* That of a name, NULL: there is none. */
const struct config_template *config_template_find(const struct config *,
    const char *name);

#endif
