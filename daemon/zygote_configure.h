/*
 * zygote_configure: the first message to a zygote: what its template is to be.
 */
#ifndef DAEMON_ZYGOTE_CONFIGURE_H
#define DAEMON_ZYGOTE_CONFIGURE_H

struct zygote;

void zygote_configure(struct zygote *);

#endif
