/*
 * lab: what an experiment is made in: the zygote's own layout, with one worker
 * thread that is CPython's only one, and the template that a configuration asks
 * for.  What is shipped is what is tried.
 */
#ifndef DOCTOR_LAB_H
#define DOCTOR_LAB_H

#include <stdbool.h>

#include "daemon/zygote/doctor/experiment.h"
#include "daemon/zygote/handover.h"
#include "daemon/zygote/work.h"
#include "proto/err.h"

#define LAB_FOLDERS_MAX 32

/* One a process: it lives as long. */
struct lab {
	struct handover handover;
	struct work work;
	/* conf's lists */
	char *preload[2], *path[LAB_FOLDERS_MAX + 1], *none[1];
};

/* Starts the worker thread and Python in it.  No template is made, but its
 * configuration is as S says.  0, or -1 with E filled. */
int lab_start(struct lab *, const struct setting *, struct err *e);

/* The same, with a template of the setting's mode ("legacy" or "isolated")
 * that has MODULE preloaded, ready to have children of it forked.  -1 also
 * where the guards do not let it. */
int lab_start_template(struct lab *, const struct setting *, const char *module,
    bool promote, struct err *e);

/*
 * Forks a child of the template as the daemon would have it, with CODE as its
 * job, and waits for its end: *CODE_OK tells whether it exited with 0.  What it
 * printed is added to F, and how it ended where that is not 0.  Its stderr is
 * ours.  -1 with E filled: no child came of it.
 */
int lab_run_job(struct lab *, const char *code, bool *code_ok,
    struct finding *f, struct err *e);

/* Starts a lab without a template, runs SOURCE (a module with functions) in the
 * main interpreter, and calls FN(mode, path) of it, which returns (bool, str):
 * they go to F. */
int lab_look(const struct setting *, const char *source, const char *fn,
    struct finding *f, struct err *e);

/* That of a preload which has failed, to standard error. */
void lab_show_traceback(const struct lab *);

/* Whether the interpreters of a mode have GILs of their own. */
bool lab_isolated(const char *mode);

/* Runs FN(ARG) in the worker thread. */
void lab_in_worker(struct lab *, void (*fn)(void *), void *arg);

#endif
