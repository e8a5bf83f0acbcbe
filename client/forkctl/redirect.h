/*
 * redirect: where the standard streams of a program go that is not as they are
 * here: files that the child opens, output that the daemon keeps.
 */
#ifndef FORKCTL_REDIRECT_H
#define FORKCTL_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/forkctl/rpc.h"

struct redirect {
	const char *file[3]; /* of stdin, stdout, stderr; NULL: none */
	bool append;         /* to the latter two */
	bool capture;        /* what of stdout and stderr has no file */
	uint64_t bytes;      /* kept of that; 0: as the daemon likes */
};

/* Packs `files` and `capture`, as far as they are needed. */
void redirect_pack(const struct redirect *, struct params *);

#endif
