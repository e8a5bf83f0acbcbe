/*
 * bench_report: what `bench` has measured, and how it is shown: a table and
 * histograms, or JSON.  Owns the series.
 */
#ifndef FORKCTL_BENCH_REPORT_H
#define FORKCTL_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "client/forkctl/series.h"

enum { BENCH_STANDBY, BENCH_WARM, BENCH_COLD, BENCH_STARTS };
extern const char *const bench_start_names[BENCH_STARTS];

struct bench_start {
	bool wanted;
	bool there; /* the template has it */
	struct series started, reaped;
	size_t others; /* children that were of another kind */
};

struct bench {
	const char *template, *call;
	size_t rounds, done;
	struct bench_start starts[BENCH_STARTS];
};

void bench_fini(struct bench *);
/* To standard output, as wide as it is. */
void bench_report(struct bench *);
void bench_report_json(struct bench *, FILE *);

#endif
