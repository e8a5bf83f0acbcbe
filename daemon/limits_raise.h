/*
 * limits_raise: what a template gives its children beyond what the daemon was
 * started with.  Its zygote has it before it gives up the right to; all that is
 * less the children put on themselves.
 */
#ifndef DAEMON_LIMITS_RAISE_H
#define DAEMON_LIMITS_RAISE_H

#include "daemon/config.h"
#include "proto/err.h"
#include "proto/limits.h"

struct server;

/* Whether a process of the daemon's may go beyond what it was started with. */
bool limits_may_raise(const struct server *, enum limit);
/* The capability that takes. */
int limits_capability(enum limit);
/* The hard limit that its zygotes are started with. */
rlim_t limits_inherited(const struct server *, int resource);
/* 0, or -1 with E filled: the daemon may not raise that. */
int limits_raise_check(const struct server *, const struct config_template *,
    struct err *);
/* In a process between vfork and exec, whose oom_score_adj is OOM: system calls
 * only.  0, or -1 with errno. */
int limits_raise(const struct limits *, int oom);

#endif
