/*
 * life: a child's job, from the wait for it to the end of the process.  There is
 * one child in a process.
 */
#ifndef ZYGOTE_LIFE_H
#define ZYGOTE_LIFE_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/zygote/child.h"
#include "daemon/zygote/job.h"
#include "daemon/zygote/template.h"
#include "proto/stream.h"

/* In the zygote, once. */
void life_share(void);
/* Whether the next job of a standby is likely to be for a trio.run that was entered
 * ahead: a coroutine function. */
bool life_goes_ahead(void);

/* First.  ST: its control socket; it and T are kept. */
void life_begin(struct template *t, enum child_kind, struct stream *st,
    uint64_t born_ns);

/* Waits for the job, where that is to be refused.  It ends the process where no
 * job comes. */
const struct job *life_read_job(void);

/* With the interpreter adopted, at ADOPTED_NS: waits for the job and does it.
 * AHEAD: of a standby, the function that enters the trio.run in which it waits,
 * or NULL: it waits outside. */
_Noreturn void life_live(PyObject *ahead, uint64_t adopted_ns);

#endif
