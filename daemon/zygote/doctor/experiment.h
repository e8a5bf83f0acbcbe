/*
 * experiment: one thing that doctor finds out by running: a scenario, whose
 * outcome is known beforehand, or a question of the audit.  Each is run in a
 * process of its own (trial.h), in one mode at a time.
 */
#ifndef DOCTOR_EXPERIMENT_H
#define DOCTOR_EXPERIMENT_H

#include <stdbool.h>

#include "proto/err.h"

/* How the interpreters of an experiment are made; as text in `modes`. */
struct setting {
	const char *mode;   /* one of the experiment's modes */
	const char *module; /* of the audit of a module, else NULL */
	const char *path;   /* DIR[:DIR...] in front of sys.path; NULL: none */
};

struct finding {
	bool yes;        /* as expected; of an audit: the constraint holds */
	char text[1024]; /* what was seen; a line each */
};

struct experiment {
	const char *name;
	const char *about;
	const char *expected;     /* NULL for an audit */
	const char *const *modes; /* NULL-terminated */
	unsigned limit_s;         /* 0: doctor's own; else at most that */
	/* A process that dies or hangs has answered: the constraint holds. */
	bool death_answers;
	/* In its own process, in the main thread, before any Python.  0, or -1
	 * with E saying why nothing was found out. */
	int (*run)(const struct setting *, struct finding *, struct err *e);
};

/* The tables, NULL-terminated. */
extern const struct experiment *const scenarios[];
extern const struct experiment *const audits[];
/* Asked of each module, behind the others. */
extern const struct experiment audit_module;

/* Of a NULL-terminated table; NULL if it has none of that name. */
const struct experiment *experiment_find(const struct experiment *const *,
    const char *name);

/* Appends a line to what was seen. */
void finding_add(struct finding *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
