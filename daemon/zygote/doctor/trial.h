/*
 * trial: an experiment in a process of its own: exec'd, listened to, killed
 * with all that came of it when its time is over.
 */
#ifndef DOCTOR_TRIAL_H
#define DOCTOR_TRIAL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/zygote/doctor/experiment.h"
#include "proto/err.h"

enum trial_answer {
	TRIAL_YES,     /* as expected; the constraint holds */
	TRIAL_NO,      /* not; it is gone */
	TRIAL_UNKNOWN, /* nothing was found out */
};

struct trial {
	enum trial_answer answer;
	char found[1024];  /* what was seen, or why nothing was */
	char output[8192]; /* of both streams; the rest is dropped */
	size_t output_n;
	uint64_t ns; /* it took */
};

/*
 * To be called once, before the others: what processes leave behind becomes
 * this process's.
 */
void trial_init(void);

/* Runs X for at most LIMIT_NS.  Blocks. */
void trial_run(struct trial *, const struct experiment *x,
    const struct setting *, uint64_t limit_ns);

/*
 * The other side: `--trial NAME MODE MODULE PATH`, in the process that
 * trial_run exec'd; "" where there is no module or path.  Does not return.
 */
_Noreturn void trial_main(char **args);
#define TRIAL_ARGS 4

#endif
