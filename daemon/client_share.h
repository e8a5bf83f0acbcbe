/*
 * client_share: what one connection counts for its user and for all: that it is
 * there, the requests that are not answered, the bytes that it buffers.  How much
 * there may be is admission's affair.
 */
#ifndef DAEMON_CLIENT_SHARE_H
#define DAEMON_CLIENT_SHARE_H

#include "proto/err.h"

struct client;

/* It is there, refused or not.  It has ended. */
void client_share_join(struct client *);
void client_share_leave(struct client *);
/* A request has come; a response goes, which may be to one that was not
 * counted. */
void client_asked(struct client *);
void client_answered(struct client *);
/* What it buffers has changed.  0, or -1 with E filled: that is too much. */
int client_share_weigh(struct client *, struct err *);

#endif
