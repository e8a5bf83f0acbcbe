/*
 * err: what went wrong, in a struct of fixed size.  Owns the table of error
 * codes that the protocol knows.  It never allocates, so it can cross a fork
 * and be filled when memory is out.
 */
#ifndef PROTO_ERR_H
#define PROTO_ERR_H

#include <stdarg.h>
#include <stdint.h>

/*
 * The one table of error codes: enumerator, name on the wire, meaning.
 * PROTOCOL.md lists the same rows; tests/check_proto.c compares the two.
 */
#define ERR_CODES(X) \
	X(INTERNAL, "internal", "the daemon met a fault of its own") \
	X(MALFORMED, "malformed", \
	    "bytes that are no frame; the connection ends") \
	X(INVALID_REQUEST, "invalid_request", "a frame that is no request") \
	X(UNKNOWN_METHOD, "unknown_method", "no such method") \
	X(INVALID_PARAMS, "invalid_params", \
	    "a key is missing, wrong or unknown") \
	X(BAD_FDS, "bad_fds", "the claimed and the passed descriptors differ") \
	X(LIMIT, "limit", "over one of the limits that hello tells") \
	X(DENIED, "denied", "the peer may not do this") \
	X(BUSY, "busy", "no room now; try again later") \
	X(DRAINING, "draining", "the daemon is shutting down") \
	X(UNKNOWN_TEMPLATE, "unknown_template", "no template of that name") \
	X(TEMPLATE_FAILED, "template_failed", "the template cannot be made") \
	X(NOT_FOUND, "not_found", "no child of that id") \
	X(CONFLICT, "conflict", \
	    "the token is that of a spawn with other params") \
	X(NOT_RUNNING, "not_running", "the child has ended already") \
	X(SETUP_FAILED, "setup_failed", "a step of the child's set-up failed") \
	X(IMPORT_FAILED, "import_failed", "the entry cannot be imported") \
	X(CHILD_DIED, "child_died", \
	    "the child ended before it had started, or before it was ready") \
	X(TIMEOUT, "timeout", "not done within the time given") \
	X(DISCONNECTED, "disconnected", "the connection is gone") \
	X(SYSTEM, "system", "a system call failed")

enum err_code {
	ERR_NONE,
#define X(sym, name, meaning) ERR_##sym,
	ERR_CODES(X)
#undef X
	    ERR_COUNT
};

struct err {
	enum err_code code;
	int sys;      /* errno of the call that failed, 0 if none did */
	char key[96]; /* key at fault, of a request or of the configuration, ""
			* if none; key paths as a.b[3] */
	const char *resource; /* that is exhausted, a literal; NULL: none is */
	uint64_t retry_ns;    /* then: not before is it worth a try */
	char msg[512]; /* lower case, no full stop, names object and value */
};

/* Fills E and returns -1, so that `return err_set(...)` reads as one line. */
int err_set(struct err *, enum err_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set with ERR_SYSTEM; appends strerror(errno_value) and keeps it. */
int err_sys(struct err *, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* There is no memory for WHAT: ERR_SYSTEM with ENOMEM.  Returns -1. */
int err_memory(struct err *, const char *what);

/* As err_set with ERR_INVALID_PARAMS and the key at fault. */
int err_key(struct err *, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message.  Returns -1. */
int err_wrap(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Name on the wire; "internal" for what is not in the table. */
const char *err_name(enum err_code);

/* The meaning column of the table. */
const char *err_meaning(enum err_code);

/* Code of a name of LEN bytes; ERR_INTERNAL if the name is unknown. */
enum err_code err_by_name(const char *name, unsigned long len);

#endif
