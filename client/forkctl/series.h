/*
 * series: durations of one sort, their figures, and their picture: a histogram
 * of block characters on a logarithmic axis.  Owns the numbers.
 */
#ifndef FORKCTL_SERIES_H
#define FORKCTL_SERIES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct series {
	uint64_t *ns;
	size_t n, cap;
};

void series_fini(struct series *);
void series_add(struct series *, uint64_t ns);
/* To be called before what follows. */
void series_sort(struct series *);
/* The smallest that SHARE (0 to 1) of all do not exceed; of at least one. */
uint64_t series_quantile(const struct series *, double share);

/* What several histograms have in common: columns of which each is wider than
 * the one before by the same factor. */
struct axis {
	double low, high; /* ns */
	size_t width;
};

/* Covers all that is in the N series; WIDTH columns.  They may not all be
 * empty. */
void axis_init(struct axis *, const struct series *const *, size_t n,
    size_t width);
/* ROWS lines of the histogram of S, and one with the axis' scale. */
void axis_print(const struct axis *, const struct series *, size_t rows,
    FILE *);
void axis_print_scale(const struct axis *, FILE *);

#endif
