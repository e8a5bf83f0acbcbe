/*
 * own_limits: what the daemon takes for itself alone, and zygotes, and so
 * children, are born without: more descriptors, and the kernel's mercy when
 * memory runs out.
 */
#ifndef DAEMON_OWN_LIMITS_H
#define DAEMON_OWN_LIMITS_H

#include <sys/resource.h>

struct own_limits {
	struct rlimit nofile;   /* as zygotes get it */
	char oom_score_adj[16]; /* as zygotes get it; "": was not changed */
};

/* Takes what the daemon may have; what it may not is no error. */
void own_limits_take(struct own_limits *);
/* What a process that they were given back to has of it. */
int own_limits_oom(const struct own_limits *);
/* In a process between vfork and exec: system calls only.  0, or -1 with
 * errno. */
int own_limits_give_back(const struct own_limits *);

#endif
