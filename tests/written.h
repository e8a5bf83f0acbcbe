/*
 * written: what is kept of the output of a child of tests/fixtures/writes.py.
 */
#ifndef TESTS_WRITTEN_H
#define TESTS_WRITTEN_H

#include <stddef.h>

#include "tests/harness.h"

#define IMPORTED "imported\n" /* what writes.py's import writes to stdout */

/* The bin at PATH is the N bytes WANT. */
void written_data(const struct reply *, const char *path, const void *want,
    size_t n);
void written_text(const struct reply *, const char *path, const char *want);
/* Runs writes:both to its end, with MORE ("'key': value") among the params. */
void written_run(struct peer *, struct reply *record, const char *more);
/* ... and expects all of both streams in the record. */
void written_both(struct peer *, const char *more);

#endif
