/*
 * canary: the child that tries a template before it serves: what it says, and
 * what its end means.  For the zygote's main thread, but for canary_say, which
 * is the child's.
 */
#ifndef ZYGOTE_CANARY_H
#define ZYGOTE_CANARY_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/err.h"

/* Exit statuses of a canary; any other means that its way cannot be gone. */
#define CANARY_GOOD 42
#define CANARY_AFTER_FORK 43 /* a function of `after_fork` raised */

struct canary {
	int says; /* a memfd, while there is one */
};

/* Opens C->says for a canary that is about to be forked.  0, or -1 with E. */
int canary_prepare(struct canary *c, struct err *e);

/*
 * It was reaped with STATUS (as of wait4(2)), or could not be forked.  Returns
 * its words, for the caller to free (NULL: none): a message, and behind the
 * first newline a traceback.
 */
char *canary_over(struct canary *c);

/* What ended it, LATE or in time, as "the promoted canary died of signal 11". */
void canary_reason(int status, bool late, bool promoted, const char *words,
    char *text, size_t n);

/* Its words as the error of a template: E, and a traceback for the caller to
 * free, or NULL. */
void canary_fault(const char *words, struct err *e, char **traceback);

/* In the canary: leaves its words in FD.  TRACEBACK may be NULL. */
void canary_say(int fd, const char *message, const char *traceback);

#endif
