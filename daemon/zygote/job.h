/*
 * job: what a child has been told to do: waits for it on the control socket,
 * reads it, and puts the process into its surroundings.  Running it is child's.
 */
#ifndef ZYGOTE_JOB_H
#define ZYGOTE_JOB_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"
#include "proto/spawn.h"
#include "proto/stream.h"

struct job {
	uint32_t msgid;     /* of the request, which is to be answered */
	struct spawn spawn; /* borrows from the message */
};

/* Waits for the job, which lives as long as M does.  Ends the process where
 * there is none to wait for any longer; a bad one is answered before that. */
void job_read(struct job *, struct stream *, struct msg *m);
/* Whether it wants a descriptor at the number FIRST or above, or a copy of one
 * there. */
bool job_places(const struct job *, int first);
/* Descriptors, directory, environment, title.  Where a step fails that is the
 * answer, and the process ends. */
void job_set_up(const struct job *, struct stream *);

/* A new tuple of a call's arguments, list and dict.  NULL with an exception
 * set. */
PyObject *job_args(const struct spawn *);

#endif
