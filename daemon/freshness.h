/*
 * freshness: a template whose zygote has seen a file change that it was made
 * from is made anew.  What the zygote says is not trusted: however often it
 * says so, the next generation is begun only when the one before it has paid for
 * itself.
 */
#ifndef DAEMON_FRESHNESS_H
#define DAEMON_FRESHNESS_H

#include <ev.h>

#include "proto/map.h"

struct template;
struct zygote;

struct freshness {
	ev_timer timer; /* until the next generation is begun */
};

void freshness_init(struct template *);
void freshness_fini(struct template *);
/* Z has seen PATH change. */
void freshness_stale(struct zygote *, struct bytes path);

#endif
