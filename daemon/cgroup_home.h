/*
 * cgroup_home: where the daemon is in the hierarchy of control groups, and
 * whether that place is its own to divide.  Owns the daemon's move into a leaf;
 * children's groups are cgroup's.
 */
#ifndef DAEMON_CGROUP_HOME_H
#define DAEMON_CGROUP_HOME_H

#include "proto/err.h"

#define CGROUP_LEAF "daemon"  /* the daemon and its zygotes */
#define CGROUP_CHILD "child-" /* and 8 digits of the instance, and a number */

/* WHAT: enum config_cgroup.  *BASE: the folder for children's groups, the
 * caller's to free; NULL: there are none.  0, or -1 with E filled: there must
 * be one. */
int cgroup_home(int what, char **base, struct err *);

#endif
