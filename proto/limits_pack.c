/*
 * limits_pack: limits as they are told: in a map of MessagePack, and as TOML.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/cpus.h"
#include "proto/limits.h"

/* As other faults of params are told. */
static int
quote(struct err *e)
{
	char msg[sizeof(e->msg)];

	strcpy(msg, e->msg);
	snprintf(e->msg, sizeof(e->msg), "\"%.*s\" %.400s", (int)sizeof(e->key),
	    e->key, msg);
	return -1;
}

int
limits_read(struct limits *l, struct map *m)
{
	const msgpack_object *o;

	for (int i = 0; i < LIMITS; i++) {
		if (map_obj(m, limit_name(i), MAP_OPTIONAL, &o) == 1 &&
		    limits_object(l, i, limit_name(i), o, m->e) == -1)
			return quote(m->e);
	}
	return 0;
}

static void
pack_number(msgpack_packer *pk, rlim_t v)
{
	if (v == RLIM_INFINITY)
		pack_str(pk, "infinity");
	else
		msgpack_pack_uint64(pk, v);
}

static void
pack_rlimits(const struct limits *l, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if ((l->rlimits & 1u << i) == 0)
			continue;
		pack_key(pk, &m, limit_resource_name(i));
		msgpack_pack_array(pk, 2);
		pack_number(pk, l->rlimit[i].rlim_cur);
		pack_number(pk, l->rlimit[i].rlim_max);
	}
	pack_map_end(&m);
}

void
limits_pack(const struct limits *l, msgpack_packer *pk, struct pack_map *m)
{
	char text[LIMITS_TEXT];

	for (int i = 0; i < LIMITS; i++) {
		if (!limits_have(l, i))
			continue;
		pack_key(pk, m, limit_name(i));
		switch ((enum limit)i) {
		case LIMIT_RLIMITS:
			pack_rlimits(l, pk);
			break;
		case LIMIT_NICE:
			msgpack_pack_int(pk, l->nice);
			break;
		case LIMIT_CPUS:
			pack_str(pk, cpus_format(&l->cpus, text, sizeof(text)));
			break;
		case LIMIT_OOM_SCORE_ADJ:
			msgpack_pack_int(pk, l->oom_score_adj);
			break;
		case LIMIT_MEMORY_MAX:
		case LIMIT_CPU_WEIGHT:
		case LIMIT_PIDS_MAX:
			group_limit_pack(&l->group, i - LIMIT_MEMORY_MAX, pk);
			break;
		}
	}
}

static void
print_number(rlim_t v, FILE *f)
{
	if (v == RLIM_INFINITY)
		fputs("\"infinity\"", f);
	else
		fprintf(f, "%ju", (uintmax_t)v);
}

static void
print_rlimits(const struct limits *l, FILE *f)
{
	const char *sep = "{ ";

	if (l->rlimits == 0) {
		fputs("{}", f);
		return;
	}
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if ((l->rlimits & 1u << i) == 0)
			continue;
		fprintf(f, "%s%s = [", sep, limit_resource_name(i));
		print_number(l->rlimit[i].rlim_cur, f);
		fputs(", ", f);
		print_number(l->rlimit[i].rlim_max, f);
		fputc(']', f);
		sep = ", ";
	}
	fputs(" }", f);
}

void
limits_print(const struct limits *l, enum limit which, FILE *f)
{
	char text[LIMITS_TEXT];

	if (which == LIMIT_RLIMITS) {
		print_rlimits(l, f);
		return;
	}
	if (!limits_have(l, which)) {
		fputs("\"\"", f);
		return;
	}
	switch (which) {
	case LIMIT_RLIMITS:
		break;
	case LIMIT_NICE:
		fprintf(f, "%d", l->nice);
		break;
	case LIMIT_CPUS:
		fprintf(f, "\"%s\"", cpus_format(&l->cpus, text, sizeof(text)));
		break;
	case LIMIT_OOM_SCORE_ADJ:
		fprintf(f, "%d", l->oom_score_adj);
		break;
	case LIMIT_MEMORY_MAX:
	case LIMIT_CPU_WEIGHT:
	case LIMIT_PIDS_MAX:
		group_limit_print(&l->group, which - LIMIT_MEMORY_MAX, f);
		break;
	}
}
