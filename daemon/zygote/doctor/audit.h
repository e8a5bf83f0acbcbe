/*
 * audit: the experiments that find out which of the constraints that this
 * project is built around still hold, on this machine with its versions.
 */
#ifndef DOCTOR_AUDIT_H
#define DOCTOR_AUDIT_H

#include "daemon/zygote/doctor/experiment.h"

extern const struct experiment audit_gil_starvation, audit_destroy_recycled,
    audit_destroy_entered, audit_fork_gate;

/* What audit_module says of one that is not installed; nothing is known then.
 */
#define AUDIT_NO_MODULE "not installed"

/* Those asked about when none is named: the default template's, and widespread
 * ones.  NULL-terminated. */
extern const char *const audit_modules[];

#endif
