/*
 * rehearsal: the job that a template's first child has: one of nothing, so that
 * wset sees what each child touches from its birth to its end.  For the
 * zygote's main thread.
 */
#ifndef ZYGOTE_REHEARSAL_H
#define ZYGOTE_REHEARSAL_H

#include "proto/err.h"
#include "proto/stream.h"

struct rehearsal {
	int control;        /* the child's end of its control socket */
	struct stream ours; /* the other, in which its words are left */
};

#define REHEARSAL_WORDS 512 /* bytes, with the NUL */

/* The job is on its way.  0, or -1 with E filled and nothing open. */
int rehearsal_begin(struct rehearsal *, struct err *e);
/* Once the child has ended: what it said of why it failed, one line, "" where it
 * said nothing. */
void rehearsal_words(struct rehearsal *, char words[REHEARSAL_WORDS]);
/* Once the child is over: it would be cancelled by that. */
void rehearsal_over(struct rehearsal *);

#endif
