/*
 * pulse: whether a zygote that is ready still answers.  It is asked when
 * nothing was heard from it for server.zygote_timeout, and killed, to be
 * replaced, when it has not answered in as long again.  One that preloads has
 * preload_timeout instead.
 */
#ifndef DAEMON_PULSE_H
#define DAEMON_PULSE_H

struct zygote;

/* Z is ready. */
void pulse_start(struct zygote *);
/* Its timer has fired. */
void pulse_beat(struct zygote *);

#endif
