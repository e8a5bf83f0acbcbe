/*
 * failure: why a template could not be made.  Owns the texts of the zygote's
 * error: message, module at fault, traceback.
 */
#ifndef DAEMON_FAILURE_H
#define DAEMON_FAILURE_H

#include <msgpack.h>

#include "proto/err.h"

struct config_template;
struct pack_map;

#define FAILURE_TEXT_MAX 65536 /* bytes of a traceback that are kept */

struct failure {
	struct err err; /* its key: the preload's, in the configuration */
	char *module, *traceback; /* NULL: none */
};

/* From the error map of a zygote, which is not trusted. */
void failure_read(struct failure *, const msgpack_object *error);
void failure_fini(struct failure *);
/* Names the preload at fault by its key in CFG. */
void failure_name_key(struct failure *, const struct config_template *cfg);
/* TO, which is empty, becomes as FROM. */
void failure_copy(struct failure *to, const struct failure *from);
/* module and traceback, where they are there. */
void failure_pack_details(const struct failure *, msgpack_packer *,
    struct pack_map *);
/* A whole error map. */
void failure_pack(const struct failure *, msgpack_packer *);

#endif
