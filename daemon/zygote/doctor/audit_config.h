/*
 * audit_config: the preloads of a configuration file's templates, for the audit
 * to ask about.  Owns the reading, in a process of its own since it takes
 * Python; what a key may be is the daemon's affair.
 */
#ifndef DOCTOR_AUDIT_CONFIG_H
#define DOCTOR_AUDIT_CONFIG_H

#include "proto/err.h"

/* MODULE, and the folders that its template puts in front of sys.path, as
 * DIR[:DIR...]; "" where there are none.  Both live until FN returns. */
typedef void audit_config_fn(const char *module, const char *path);

/* Calls FN for each preload of each template of FILE.  0, or -1 with E filled.
 */
int audit_config_each(const char *file, audit_config_fn *fn, struct err *e);

#endif
