/*
 * config_value: one value of the configuration: read from text or from
 * MessagePack, checked against its key, printed as TOML.  Owns the kinds of
 * values, not the keys.
 */
#ifndef DAEMON_CONFIG_VALUE_H
#define DAEMON_CONFIG_VALUE_H

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/config.h"

enum config_kind {
	KIND_TEXT,    /* char * */
	KIND_OCTAL,   /* uint64_t; a str of octal digits */
	KIND_COUNT,   /* uint64_t from min to max */
	KIND_SECONDS, /* uint64_t of nanoseconds; an int or a float */
	KIND_BOOL,    /* bool */
	KIND_CHOICE,  /* int: an index of choices */
	KIND_LIST,    /* struct words without NUL; of the choices, if any */
	KIND_TABLE,   /* struct words of "key=value" */
	KIND_LIMIT,   /* struct limits: that of the key's name; "": none */
};

struct config_key {
	const char *name;
	enum config_kind kind;
	size_t at;                  /* offset in its section's struct */
	const char *def;            /* as text */
	uint64_t min, max;          /* KIND_COUNT; KIND_SECONDS in s */
	const char *const *choices; /* NULL-terminated, or NULL */
};

/* WHERE is the key path for errors, SECTION the struct of the key's section.
 * On -1 the value is as it was. */
int config_value_text(const struct config_key *, void *section,
    const char *where, const char *text, struct err *);
int config_value_object(const struct config_key *, void *section,
    const char *where, const msgpack_object *, struct err *);
void config_value_print(const struct config_key *, const void *section, FILE *);
void config_value_fini(const struct config_key *, void *section);

#endif
