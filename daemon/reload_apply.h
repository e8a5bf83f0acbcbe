/*
 * reload_apply: from the configuration that was read to what becomes of the
 * server's settings and of each template.
 */
#ifndef DAEMON_RELOAD_APPLY_H
#define DAEMON_RELOAD_APPLY_H

#include "daemon/reload.h"

/* The template that R names is there, or in CFG.  0, or -1 with E filled. */
int reload_check(struct server *, const struct config *cfg,
    const struct reload *r, struct err *);
/*
 * Puts in force what those of LIST ask for: all of CFG, or single templates of
 * it.  Each gets its steps.  CFG is left with what is not used any more.
 */
void reload_apply(struct server *, struct config *cfg,
    struct reload_list *list);

#endif
