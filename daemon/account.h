/*
 * account: as whom a process runs: its uid, gid and supplementary groups.  Owns
 * their list, and how the names of the configuration become numbers.
 */
#ifndef DAEMON_ACCOUNT_H
#define DAEMON_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/err.h"

struct account {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* ascending, each once */
	size_t ngroups;
};

/* Of this process. */
int account_own(struct account *, struct err *);
/* Of the process that connected FD.  Without credentials it is nobody: both
 * numbers are -1. */
int account_of_peer(struct account *, int fd, struct err *);
/* Of the user NAME, or of that number, with all groups that the databases give
 * him.  Asks these, which may take its time: not while others wait. */
int account_of_user(struct account *, const char *name, struct err *);
int account_copy(struct account *, const struct account *, struct err *);
void account_fini(struct account *);

bool account_eq(const struct account *, const struct account *);
/* The gid counts as one of the groups. */
bool account_in_group(const struct account *, gid_t);

/* As account_of_user asks: the numbers of a user and a group, by name or as
 * they are. */
int account_uid(const char *name, uid_t *, struct err *);
int account_gid(const char *name, gid_t *, struct err *);

#endif
