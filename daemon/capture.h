/*
 * capture: what a child writes to its stdout and stderr, where its spawn asked
 * for that to be kept.  Owns the pipes, what is kept of each stream, and the
 * `output` events; the pipes' other ends travel with the job.
 *
 * The daemon reads whatever comes and keeps a bounded part of it, so that no
 * child waits for a reader.
 */
#ifndef DAEMON_CAPTURE_H
#define DAEMON_CAPTURE_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/pack.h"
#include "proto/spawn.h"

struct capture;
struct child;

/* Of all captures of live children together, in bytes that may be kept. */
#define CAPTURES_MAX (UINT64_C(256) << 20)

/* How many bytes such a capture may come to keep. */
uint64_t capture_wants(const struct spawn_capture *);
/* 0, or -1 with E filled: the live children may fill that already. */
int capture_admit(const struct spawn_capture *, struct err *);
/* Makes C's pipes and adds their other ends to S's fds, and to FDS, which has
 * room for SPAWN_JOB_FDS.  Nothing where S asks for none.  0, or -1 with E
 * filled. */
int capture_open(struct child *, struct spawn *s, int *fds, struct err *);
/* The spawn was answered: what came before is told now. */
void capture_started(struct child *);
/* The child has exited: reads what it left.  True: that is all.  Else others
 * hold its pipes, and child_over is called when they close them or, at the
 * latest, a moment later. */
bool capture_drain(struct child *);
/* Nothing more is read; what is kept stays for the record. */
void capture_end(struct child *);
void capture_free(struct child *);

/* The value of `output`, as in the exit record.  WHOLE: with the data. */
void capture_pack(const struct capture *, bool whole, msgpack_packer *);
/* Bytes of memory that it holds; NULL: none. */
size_t capture_size(const struct capture *);

#endif
