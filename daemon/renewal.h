/*
 * renewal: a template's next generation, which is made while the one before it
 * serves.  Owns the zygote that is coming, and why the last one did not come.
 * When it is ready it takes the place of the one that serves, which ends with
 * its last child; when it fails all stays as it is.
 */
#ifndef DAEMON_RENEWAL_H
#define DAEMON_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/failure.h"

struct config_template;
struct template;
struct zygote;

struct renewal {
	struct zygote *z; /* that is coming, NULL: none */
	char *reason;     /* a cold one: why it cannot be a warm one */
	uint64_t failed;  /* generation that failed last; 0: none has since one
			   * came */
	struct failure fail; /* of that one */
};

void renewal_init(struct renewal *);
void renewal_fini(struct renewal *);

/*
 * Makes the next generation of T by the configuration CFG, in the place of one
 * that was coming.  Where there is none to be replaced CFG is in force
 * at once.
 */
void renewal_begin(struct template *, const struct config_template *cfg);
/* Whether renewal_begin would start a zygote. */
bool renewal_starts(const struct template *, const struct config_template *cfg);
/* The one that is coming has what it needs of CFG, too. */
void renewal_configure(struct template *, const struct config_template *cfg);
/* None is coming any more, and WHY. */
void renewal_end(struct template *, const struct err *why);

/* What the lanes tell: the one that was coming is ready, or is over and has
 * told F, which is taken. */
void renewal_ready(struct template *);
void renewal_over(struct template *, struct failure *f);

#endif
