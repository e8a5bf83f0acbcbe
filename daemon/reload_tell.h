/*
 * reload_tell: what whoever asked for a reload is told, and the log.
 */
#ifndef DAEMON_RELOAD_TELL_H
#define DAEMON_RELOAD_TELL_H

#include "daemon/reload.h"

/* In each of LIST: what became of T's generations up to GENERATION. */
void reload_settle(struct reload_list *list, const struct template *,
    uint64_t generation, const struct failure *);
/* The end of R, which is in no list and is freed: with an error, or with what
 * became of each template. */
void reload_refuse(struct server *, struct reload *r, const struct err *);
void reload_answer(struct server *, struct reload *r);

#endif
