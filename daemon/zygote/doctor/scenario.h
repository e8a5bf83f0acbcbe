/*
 * scenario: the experiments that prove the architecture, each with an outcome
 * that is known beforehand.  scenario_fork.c has those of a bare fork,
 * scenario_template.c those of what is shipped, scenario_strict.c the
 * configuration that is not.
 */
#ifndef DOCTOR_SCENARIO_H
#define DOCTOR_SCENARIO_H

#include "daemon/zygote/doctor/experiment.h"

extern const struct experiment scenario_control_subint_thread_fork,
    scenario_main_thread_fork, scenario_worker_thread_fork,
    scenario_full_architecture, scenario_adopted_template,
    scenario_promoted_template, scenario_strict_configuration;

#endif
