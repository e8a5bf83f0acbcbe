/*
 * limits_ask: whether a spawn may have the limits that it asks for: never more
 * than who asks could have himself, nor than the child can be given.
 */
#ifndef DAEMON_LIMITS_ASK_H
#define DAEMON_LIMITS_ASK_H

#include "proto/err.h"
#include "proto/spawn.h"

struct client;
struct template;

/* Those of S, which C asks for, with those of T where it does not: 0, or -1 with
 * E naming key, value and bound. */
int limits_ask(const struct client *c, const struct template *t,
    struct spawn *s, struct err *e);

#endif
