/*
 * cgroup: a control group (v2) for each child, below the daemon's own where
 * that has been delegated to it, so that a child's end can be the end of all
 * that it has started.  Owns the folders and their removal; children enter
 * theirs at birth (daemon/zygote/cgroup.h).
 */
#ifndef DAEMON_CGROUP_H
#define DAEMON_CGROUP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "proto/err.h"

struct cgroup_left;
struct server;

struct cgroups {
	char *base; /* the folder they are in; NULL: children have none */
	uint64_t last;
	int inotify; /* watches those that are to be removed, not empty yet */
	ev_io changed;
	ev_timer again; /* where the kernel has no more watches */
	LIST_HEAD(, cgroup_left) left;
};

/* Finds out whether there is anything to work with, as server.cgroup says, and
 * moves the daemon into a leaf of its own.  0, or -1 with E filled. */
int cgroups_init(struct server *, struct err *);
void cgroups_fini(struct server *);

/* A new one: *PATH is the caller's to give back by cgroup_remove; NULL where
 * children have none.  0, or -1 with E filled. */
int cgroup_new(struct server *, char **path, struct err *);
/* For a child of UID's, who may not write there himself: *PROCS is open on its
 * cgroup.procs, and he may kill all that is in it.  0, or -1 with E filled. */
int cgroup_lend(const char *path, uid_t uid, int *procs, struct err *);
/* SIGKILL to all that is in it; nothing where PATH is NULL. */
void cgroup_kill(const char *path);
/* Whether anybody is in it, or below it; false where PATH is NULL. */
bool cgroup_populated(const char *path);
/* Takes PATH: the folder goes as soon as it is empty. */
void cgroup_remove(struct server *, char *path);

#endif
