/*
 * lane: one way of a template to start children, warm or cold: its zygote is
 * started when it is needed, watched, and tried again with back-off; children
 * wait in it while it starts.  The struct is in templates.h.
 */
#ifndef DAEMON_LANE_H
#define DAEMON_LANE_H

#include <stdint.h>

#include "daemon/templates.h"

void lane_init(struct lane *, struct template *, enum zygote_kind);
void lane_fini(struct lane *);
enum lane_state lane_state(const struct lane *);
/* Z, NULL: none, is its zygote from now on.  The one before it serves no more;
 * what it has failed in is forgotten. */
void lane_renew(struct lane *, struct zygote *z);
/* Starts a zygote where there is none; a failure is kept in the lane. */
void lane_start(struct lane *);
/* Takes a queued child. */
void lane_submit(struct lane *, struct child *);
/* Has the zygote fork those who wait, as many as it may have before it. */
void lane_serve(struct lane *);
/* Answers the spawn of a queued child with F, and frees the child. */
void lane_refuse(struct child *, const struct failure *);
/* Until the next try, 0 where it may be tried now. */
uint64_t lane_retry_ns(const struct lane *);
/* Its template is served no more: who waits is refused, its zygote let go. */
void lane_end(struct lane *);
/* Its template has cold starts only: whom that serves waits for these. */
void lane_turn_cold(struct template *);
/* Fills F: why this template has no warm starts. */
void lane_no_warm(const struct template *, struct failure *f);

#endif
