/*
 * tenants: the templates with user = "peer".  What the configuration names is a
 * pattern only, which is never started; for each account that asks there is a
 * tenant of it, with zygotes, standbys and a queue of its own.  Owns when one
 * comes, and that it goes: after a time in which nobody used it, or when there
 * are too many, the one that was not used for longest.
 */
#ifndef DAEMON_TENANTS_H
#define DAEMON_TENANTS_H

#include <stdbool.h>

#include "daemon/account.h"
#include "proto/err.h"

struct client;
struct template;

bool tenant_is_pattern(const struct template *);
/* That of the pattern for that account, made where it is not there.  NULL with
 * E filled: there is no memory, or no room (busy). */
struct template *tenant_of(struct template *pattern, const struct account *,
    struct err *e);
/* A child of T, which may be no tenant, comes or has gone. */
void tenant_used(struct template *);
/* Whether the client may know of T: not of the tenant of another, and of a
 * pattern as long as it has no tenant of that itself. */
bool tenant_shown(const struct template *t, const struct client *);

#endif
