/*
 * record: what is told of a child: the exit record, the phases of its start,
 * the map of `inspect`.  Owns their form on the wire, not the child.
 */
#ifndef DAEMON_RECORD_H
#define DAEMON_RECORD_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

struct child;
struct msg_out;

#define RECORD_TOLD_MAX 65536 /* of an outcome, to who is not the owner */
/* Of the outcomes in one answer.  A value has a byte at least, so that this
 * bounds their number, too, to half of what a frame may have. */
#define RECORDS_TOLD_MAX (512u << 10)

/* id, pid, template, generation, start: into an open map. */
struct pack_map;
void record_pack_identity(const struct child *, msgpack_packer *,
    struct pack_map *);
/* The map of durations, from the spawn's request to its notice. */
void record_pack_phases(const struct child *, msgpack_packer *);
/* The exit record of an ended child; an outcome of more than MAX bytes is left
 * out, and told to be.  OUTPUT: with the data of what was captured. */
void record_pack(const struct child *, size_t max, bool output,
    msgpack_packer *);
/* The map of `inspect`; MAX and OUTPUT are for the record in it. */
void record_pack_inspect(const struct child *, size_t max, bool output,
    msgpack_packer *);

/* The MAX for the record of C in an answer that tells of several, where all may
 * take *LEFT, RECORDS_TOLD_MAX at first, which is less by C's share then. */
size_t record_share(const struct child *, size_t *left);
/* Whether such an answer keeps to the limits of a frame.  0, or -1 with E
 * filled: it must not be sent. */
int record_answer_fits(const struct msg_out *, struct err *e);

/* The exit record as the result of REQUEST of connection CONN. */
void record_answer(const struct child *, uint64_t conn, uint32_t request);
/* The event `exited`, to connection CONN. */
void record_tell(const struct child *, uint64_t conn);

#endif
