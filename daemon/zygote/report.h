/*
 * report: what a child says to the daemon: the response to its job, and `done`
 * (PROTOCOL.md, section 4).  Each call sends its message whole before it
 * returns, and is silent where the daemon is gone.
 */
#ifndef ZYGOTE_REPORT_H
#define ZYGOTE_REPORT_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/zygote/setup.h"
#include "proto/err.h"
#include "proto/stream.h"

/* Points in time are of CLOCK_MONOTONIC. */
struct report_start {
	int64_t interpreter;
	bool promoted;
	uint64_t born_ns, adopted_ns, setup_ns, started_ns;
};

/* Texts are UTF-8, cut where they are long; NULL: not known. */
struct report_exception {
	const char *type, *message, *traceback;
};

/* MSGID: of the job's request. */
/* Of a standby: a job may come. */
void report_ready(struct stream *);
void report_started(struct stream *, uint32_t msgid,
    const struct report_start *);
void report_failed(struct stream *, uint32_t msgid, enum err_code,
    const char *message, const struct report_exception *);
void report_setup(struct stream *, uint32_t msgid, const struct setup_fault *);

void report_raised(struct stream *, const struct report_exception *);
/* To a ping, LOOK NULL, or a dump: what the Python side has to tell, a dict. */
void report_answer(struct stream *, uint64_t number, PyObject *look);
/* 0, or -1 with E filled: VALUE cannot be packed, and nothing is told. */
int report_told(struct stream *, PyObject *value, struct err *e);
/* A result that cannot be packed is told as `result_error`. */
void report_returned(struct stream *, PyObject *result);

#endif
