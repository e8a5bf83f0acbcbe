/*
 * config_template: the life of one template's section of the configuration,
 * beside what config.h tells of it.
 */
#ifndef DAEMON_CONFIG_TEMPLATE_H
#define DAEMON_CONFIG_TEMPLATE_H

#include "daemon/config.h"

/* Without any values, with one user, who asked for it.  NULL: no memory. */
struct config_template *config_template_new(const char *name, size_t n);

/* Finds out whose it is.  0, or -1 with E naming the key. */
int config_template_finish(struct config_template *, struct err *);

#endif
