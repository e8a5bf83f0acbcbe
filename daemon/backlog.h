/*
 * backlog: what is kept of a stream of bytes that may never end: its newest
 * part or its oldest, up to a bound, and how long the stream was.  Grows as it
 * fills.
 */
#ifndef DAEMON_BACKLOG_H
#define DAEMON_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/map.h"

struct backlog {
	char *p;
	size_t cap, max;
	size_t at, len; /* what is kept goes round the end of P */
	uint64_t total; /* bytes that came */
	bool oldest;    /* is kept; else the newest */
};

void backlog_init(struct backlog *, size_t max, bool oldest);
void backlog_fini(struct backlog *);
/* Where memory is short it keeps less. */
void backlog_put(struct backlog *, const char *, size_t);
/* What is kept, in order; the second part may be empty. */
void backlog_parts(const struct backlog *, struct bytes part[2]);
/* Where in the stream the first kept byte is. */
uint64_t backlog_offset(const struct backlog *);
/* Nothing more will come: gives back what is not needed. */
void backlog_trim(struct backlog *);

#endif
