/*
 * zygote_orders: what a zygote is told once it is ready: to fork, and whose a
 * standby has become.
 */
#ifndef DAEMON_ZYGOTE_ORDERS_H
#define DAEMON_ZYGOTE_ORDERS_H

#include "proto/err.h"

struct child;
struct standby;
struct zygote;

/* Orders the forks of N children in one message, ORDERS_MAX at most.  Each was
 * queued and has left its lane's line; it becomes `starting`, or is refused and
 * freed where it can be had no process. */
void zygote_fork(struct zygote *, struct child *const *, unsigned n);
/* Orders a standby.  0, or -1 with E filled. */
int zygote_fork_standby(struct zygote *, const struct standby *, struct err *);
/* Whether C, one of its, is leased now, and with which grace. */
void zygote_lease(struct zygote *, struct child *);
/* All that was queued has been written: what is owed of these follows. */
void zygote_leases(struct zygote *);

#endif
