/*
 * limits: puts limits on this process, a child.  Whether it may have them the
 * daemon has looked at; the kernel does too.
 */
#ifndef ZYGOTE_LIMITS_H
#define ZYGOTE_LIMITS_H

#include "proto/err.h"
#include "proto/limits.h"

/* 0, or -1 with E filled and *WHAT the name of the one at fault. */
int limits_apply(const struct limits *, const char **what, struct err *e);

#endif
