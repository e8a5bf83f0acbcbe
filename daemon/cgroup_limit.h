/*
 * cgroup_limit: what the members of a child's control group may take together.
 * Owns the controllers that this takes, switched on when the first one asks, and
 * the files that say it; the groups are cgroup's.
 *
 * A limit that cannot be had is an error, never left out: who asks for one
 * relies on it.
 */
#ifndef DAEMON_CGROUP_LIMIT_H
#define DAEMON_CGROUP_LIMIT_H

#include "daemon/config.h"
#include "proto/err.h"
#include "proto/group_limits.h"

struct server;

/* Switches the controllers on for the groups below BASE (NULL: there are none).
 * 0, or -1 with E naming the limit, PREFIX before it, the controller and the
 * group where that is missing. */
int cgroup_limit_ready(const char *base, const struct group_limits *,
    const char *prefix, struct err *);
/* The same for the children of a template. */
int cgroup_limit_template(const struct server *, const struct config_template *,
    struct err *);
/* Puts them on the group PATH, which is NULL only where there are none. */
int cgroup_limit(const char *path, const struct group_limits *, struct err *);

#endif
