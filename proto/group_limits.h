/*
 * group_limits: what a child and all that it starts may take together, as its
 * control group (v2) holds them to it.  Owns names, forms and ranges of these,
 * as limits.h does of those that a process has.
 */
#ifndef PROTO_GROUP_LIMITS_H
#define PROTO_GROUP_LIMITS_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/err.h"
#include "proto/pack.h"

enum group_limit { GROUP_MEMORY_MAX, GROUP_CPU_WEIGHT, GROUP_PIDS_MAX };
#define GROUP_LIMITS (GROUP_PIDS_MAX + 1)
#define GROUP_INFINITY UINT64_MAX

struct group_limits {
	uint64_t value[GROUP_LIMITS]; /* 0: there is none */
};

/* "memory_max" here, "memory.max" of the kernel, "memory". */
const char *group_limit_name(enum group_limit);
const char *group_limit_file(enum group_limit);
const char *group_limit_controller(enum group_limit);

bool group_limits_any(const struct group_limits *);
/* VALUE as the kernel has it; BUF has room for 24 bytes. */
const char *group_limit_word(uint64_t value, char buf[24]);

/* From a number, or a text as of group_limit_text.  0, or -1 with E's key WHERE,
 * and its message "must be ...". */
int group_limit_object(struct group_limits *, enum group_limit,
    const char *where, const msgpack_object *, struct err *);
/* "4096", of memory "64M" as well; "infinity". */
int group_limit_text(struct group_limits *, enum group_limit, const char *where,
    const char *text, struct err *);
void group_limit_pack(const struct group_limits *, enum group_limit,
    msgpack_packer *);
/* Those that are there, by their names. */
void group_limits_pack(const struct group_limits *, msgpack_packer *,
    struct pack_map *);
/* As TOML. */
void group_limit_print(const struct group_limits *, enum group_limit, FILE *);

#endif
