/*
 * says: what the Python side of a child says to the daemon, and has C do for
 * its control socket.
 */
#ifndef ZYGOTE_SAYS_H
#define ZYGOTE_SAYS_H

#include <Python.h>

struct job;
struct stream;
struct template;

/* From now on, in the one child that this process is: T is its template, JOB
 * will be its job, ST is its control socket; AWAIT_JOB is runtime.h's.  All are
 * kept. */
void says_begin(const struct template *t, const struct job *job,
    struct stream *st, PyObject *(*await_job)(void));

#endif
