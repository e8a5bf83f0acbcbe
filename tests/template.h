/*
 * template: what the daemon tells of one of its templates, and that the default
 * one serves.
 */
#ifndef TESTS_TEMPLATE_H
#define TESTS_TEMPLATE_H

#include <stdint.h>

#include "tests/harness.h"

/* The value of KEY ("error.message") of the template NAME; "" where there is
 * none.  It lives until the test's end. */
const char *template_str(struct peer *, const char *name, const char *key);
int64_t template_int(struct peer *, const char *name, const char *key);
/* A child is started and answers; EXTRA: more of the spawn's params. */
void template_echo(struct peer *, const char *extra);

#endif
