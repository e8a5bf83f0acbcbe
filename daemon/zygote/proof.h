/*
 * proof: the way of a template from made to serving: a canary that tries it,
 * the way down where that fails, then a rehearsal for the working set, which
 * nothing depends on.  Knows which kid is at it, and until when it may.
 */
#ifndef ZYGOTE_PROOF_H
#define ZYGOTE_PROOF_H

#include <stdint.h>

#include "daemon/zygote/canary.h"
#include "daemon/zygote/kid.h"
#include "daemon/zygote/rehearsal.h"
#include "daemon/zygote/work.h"

struct proof {
	struct work *work; /* whose template it is */
	/* Forks a child that no order is for; NULL with E filled. */
	struct kid *(*bear)(enum child_kind, int control, struct err *e);
	struct kid *kid;   /* at it now */
	uint64_t until_ns; /* of kid */
	bool rehearses;    /* kid does; else it is the canary */
	struct canary canary;
	struct rehearsal rehearsal;
};

enum proof_step {
	PROOF_GOES_ON, /* a kid is at it */
	PROOF_SERVES,  /* on the way that the template's promote tells */
	PROOF_COLD,    /* it serves, but no child can adopt it */
	PROOF_FAILED,  /* work.err tells why */
};

enum proof_step proof_begin(struct proof *);
/* The kid was reaped with STATUS (as of wait4(2)); the caller frees it. */
enum proof_step proof_kid_ended(struct proof *, int status);
/* Milliseconds until the kid's time is over, rounded up. */
int proof_left_ms(const struct proof *);

#endif
