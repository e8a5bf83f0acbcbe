/*
 * births: the children of a zygote: has the worker thread fork what the daemon
 * orders, and tells the daemon what became of each.  Owns the lists of those
 * that are not reaped.  Main thread.
 */
#ifndef ZYGOTE_BIRTHS_H
#define ZYGOTE_BIRTHS_H

#include <msgpack.h>
#include <stdbool.h>

#include "daemon/zygote/handover.h"
#include "daemon/zygote/kid.h"
#include "daemon/zygote/line.h"
#include "daemon/zygote/order.h"
#include "daemon/zygote/work.h"
#include "proto/err.h"

struct births {
	struct line *line;
	struct handover *handover;
	struct work *work;
	int epfd;
	struct kids kids;
	struct kids standbys;  /* whose lease is not known yet */
	void (*between)(void); /* called between two orders of one message */
};

/* Has the worker fork.  CONTROL and PROCS, -1 for none, stay the caller's.
 * Takes what is in O where it has; NULL with E filled when it could not. */
struct kid *births_fork(struct births *, struct order *o, enum child_kind,
    int control, int procs, struct err *e);
/* The daemon's `fork`: its orders one by one, which are refused unless READY. */
void births_order(struct births *, const msgpack_object *params, bool ready);
/* Something is to be read from K's pidfd: where it has ended it is reaped and
 * freed, and the daemon told. */
void births_reap(struct births *, struct kid *k);

#endif
