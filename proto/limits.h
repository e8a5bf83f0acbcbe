/*
 * limits: what a child may take, beyond which the kernel refuses it or lets
 * others go first: rlimits, niceness, CPUs, the order in which the kernel kills
 * when memory is out; and those of its control group.  Owns their names and
 * forms, on the wire and as text; who may ask for which is the daemon's affair.
 */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

#include <msgpack.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include "proto/err.h"
#include "proto/group_limits.h"
#include "proto/map.h"
#include "proto/pack.h"

enum limit {
	LIMIT_RLIMITS,
	LIMIT_NICE,
	LIMIT_CPUS,
	LIMIT_OOM_SCORE_ADJ,
	LIMIT_MEMORY_MAX, /* and the rest in the order of enum group_limit */
	LIMIT_CPU_WEIGHT,
	LIMIT_PIDS_MAX,
};
#define LIMITS (LIMIT_PIDS_MAX + 1)
#define LIMITS_TEXT 4096 /* bytes of any of them as text */

struct limits {
	unsigned set;     /* a bit of each enum limit that is there */
	uint32_t rlimits; /* a bit of each resource that is there */
	struct rlimit rlimit[RLIM_NLIMITS];
	int nice;          /* -20 to 19 */
	int oom_score_adj; /* -1000 to 1000 */
	cpu_set_t cpus;
	struct group_limits group; /* 0 where SET has no bit */
};

/* Name on the wire and in the configuration: "rlimits", "nice", ... */
const char *limit_name(enum limit);
/* LIMITS where there is none of that name. */
enum limit limit_by_name(const char *name);
/* "nofile" and the like, as of prlimit(1). */
const char *limit_resource_name(int resource);

bool limits_have(const struct limits *, enum limit);
void limits_clear(struct limits *, enum limit);
/* Whether both have the same, or both none. */
bool limits_same(const struct limits *, const struct limits *, enum limit);
/* L gets what it has not from BASE; of rlimits each for itself. */
void limits_add(struct limits *l, const struct limits *base);

/* One of them from what stands for it in MessagePack (or TOML).  0, or -1 with
 * E's key the path below WHERE that is wrong, and its message what is:
 * "must be ...". */
int limits_object(struct limits *, enum limit, const char *where,
    const msgpack_object *, struct err *);
/* As limits_object, from text: "nofile=1024:4096,core=0", "5", "0-3,8".  Of
 * rlimits those that it names are replaced. */
int limits_text(struct limits *, enum limit, const char *where,
    const char *text, struct err *);
/* As TOML and, but for rlimits, as limits_text has it. */
void limits_print(const struct limits *, enum limit, FILE *);

/* Those of a control group, which are L's no more: no process puts them on
 * itself. */
struct group_limits limits_take_group(struct limits *l);

/* All that are in the map, each optional.  0, or -1 with M's error filled. */
int limits_read(struct limits *, struct map *);
/* Those that are there, as limits_read has them. */
void limits_pack(const struct limits *, msgpack_packer *, struct pack_map *);

#endif
