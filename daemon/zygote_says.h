/*
 * zygote_says: reads what a zygote says and has it done.
 */
#ifndef DAEMON_ZYGOTE_SAYS_H
#define DAEMON_ZYGOTE_SAYS_H

#include "proto/err.h"

struct zygote;

#define ZYGOTE_CONFIGURE_ID 1
#define ZYGOTE_PING_ID 2

/* Takes every whole message.  0, or -1 with E filled: the zygote broke the
 * protocol. */
int zygote_says(struct zygote *, struct err *);

#endif
