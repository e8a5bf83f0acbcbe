/*
 * scratch: where tests have their files.  What a run of tests/run_suites makes
 * lies in one folder, which is removed with all in it at the run's end, however
 * its tests have ended.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

/* A path for mkdtemp or mkstemp, of at most 60 bytes, which lives until the
 * test's end. */
char *scratch(const char *kind);

#endif
