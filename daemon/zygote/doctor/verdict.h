/*
 * verdict: what doctor says of its trials, for people and as JSON.  Owns the
 * form of both; everything goes to standard output.
 */
#ifndef DOCTOR_VERDICT_H
#define DOCTOR_VERDICT_H

#include <stdbool.h>

#include "daemon/zygote/doctor/experiment.h"
#include "daemon/zygote/doctor/trial.h"

/* KEY: "scenarios" or "constraints". */
void verdict_begin(bool json, const char *key);
void verdict_scenario(bool json, const struct experiment *,
    const struct setting *, const struct trial *);
void verdict_audit(bool json, const struct experiment *, const struct setting *,
    const struct trial *);
/* GOOD of ALL. */
void verdict_end(bool json, const char *what, unsigned good, unsigned all);

#endif
