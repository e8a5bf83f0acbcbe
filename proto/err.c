#include "proto/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *meaning;
} codes[ERR_COUNT] = { [ERR_NONE] = { "none", "no error" },
#define X(sym, name, meaning) [ERR_##sym] = { name, meaning },
	ERR_CODES(X)
#undef X
};

static void
fill(struct err *e, enum err_code code, int sys, const char *fmt, va_list ap)
{
	e->code = code;
	e->sys = sys;
	/* The text may name the key that E had. */
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	e->key[0] = '\0';
	e->resource = NULL;
	e->retry_ns = 0;
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *e, int errno_value, const char *fmt, ...)
{
	va_list ap;
	size_t n;
	const char *why = strerrordesc_np(errno_value);

	va_start(ap, fmt);
	fill(e, ERR_SYSTEM, errno_value, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s",
	    why != NULL ? why : "unknown error");
	return -1;
}

int
err_memory(struct err *e, const char *what)
{
	err_set(e, ERR_SYSTEM, "no memory for %s", what);
	e->sys = ENOMEM;
	return -1;
}

int
err_key(struct err *e, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, ERR_INVALID_PARAMS, 0, fmt, ap);
	va_end(ap);
	snprintf(e->key, sizeof(e->key), "%s", key);
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	va_list ap;
	char inner[sizeof(e->msg)];
	size_t n;

	memcpy(inner, e->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", inner);
	return -1;
}

const char *
err_name(enum err_code code)
{
	return (unsigned)code < ERR_COUNT ? codes[code].name : "internal";
}

const char *
err_meaning(enum err_code code)
{
	return (unsigned)code < ERR_COUNT ? codes[code].meaning : "";
}

enum err_code
err_by_name(const char *name, unsigned long len)
{
	for (int i = ERR_NONE + 1; i < ERR_COUNT; i++)
		if (strlen(codes[i].name) == len &&
		    memcmp(codes[i].name, name, len) == 0)
			return i;
	return ERR_INTERNAL;
}
