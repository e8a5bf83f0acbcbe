#include "proto/group_limits.h"

#include <inttypes.h>
#include <string.h>

/* The ranges are the kernel's (cgroup-v2.rst; PID_MAX_LIMIT). */
static const struct {
	const char *name, *file, *controller;
	uint64_t most;
	bool infinity; /* may be as well */
	bool units;    /* as text: K, M, G, T */
} kinds[GROUP_LIMITS] = {
	[GROUP_MEMORY_MAX] = { "memory_max", "memory.max", "memory", INT64_MAX,
	    true, true },
	[GROUP_CPU_WEIGHT] = { "cpu_weight", "cpu.weight", "cpu", 10000, false,
	    false },
	[GROUP_PIDS_MAX] = { "pids_max", "pids.max", "pids", 4194304, true,
	    false },
};

const char *
group_limit_name(enum group_limit which)
{
	return kinds[which].name;
}

const char *
group_limit_file(enum group_limit which)
{
	return kinds[which].file;
}

const char *
group_limit_controller(enum group_limit which)
{
	return kinds[which].controller;
}

bool
group_limits_any(const struct group_limits *l)
{
	for (int i = 0; i < GROUP_LIMITS; i++)
		if (l->value[i] != 0)
			return true;
	return false;
}

const char *
group_limit_word(uint64_t value, char buf[24])
{
	if (value == GROUP_INFINITY)
		return "max";
	snprintf(buf, 24, "%" PRIu64, value);
	return buf;
}

static int
put(struct group_limits *l, enum group_limit which, const char *where,
    bool good, uint64_t v, struct err *e)
{
	const char *or = kinds[which].infinity ? ", or \"infinity\"" : "";

	if (!good)
		return err_key(e, where,
		    "must be a number from 1 to %" PRIu64 "%s%s",
		    kinds[which].most,
		    kinds[which].units ? ", or such as \"64M\"" : "", or);
	if ((v == 0 || v > kinds[which].most) &&
	    (v != GROUP_INFINITY || !kinds[which].infinity))
		return err_key(e, where,
		    "must be from 1 to %" PRIu64 "%s, not %" PRIu64,
		    kinds[which].most, or, v);
	l->value[which] = v;
	return 0;
}

/* N bytes of text.  False: they are no number, or one beyond any range. */
static bool
number_of(enum group_limit which, const char *s, size_t n, uint64_t *v)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned shift;
	size_t i = 0;

	*v = GROUP_INFINITY;
	if (n == 8 && memcmp(s, "infinity", 8) == 0)
		return kinds[which].infinity;
	for (*v = 0; i < n && i < 19 && s[i] >= '0' && s[i] <= '9'; i++)
		*v = *v * 10 + (uint64_t)(s[i] - '0');
	if (i == 0 || i == n)
		return i > 0;
	unit = kinds[which].units && i + 1 == n ?
	    memchr(units, s[i], sizeof(units) - 1) :
	    NULL;
	if (unit == NULL)
		return false;
	shift = 10 * (unsigned)(unit - units + 1);
	if (*v > (uint64_t)INT64_MAX >> shift)
		return false;
	*v <<= shift;
	return true;
}

int
group_limit_text(struct group_limits *l, enum group_limit which,
    const char *where, const char *s, struct err *e)
{
	uint64_t v = 0;
	bool good = number_of(which, s, strlen(s), &v);

	return put(l, which, where, good, v, e);
}

int
group_limit_object(struct group_limits *l, enum group_limit which,
    const char *where, const msgpack_object *o, struct err *e)
{
	uint64_t v = 0;
	bool good = o->type == MSGPACK_OBJECT_STR ?
	    number_of(which, o->via.str.ptr, o->via.str.size, &v) :
	    o->type == MSGPACK_OBJECT_POSITIVE_INTEGER;

	if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
		v = o->via.u64;
		/* Which stands for none, here. */
		good = v != GROUP_INFINITY;
	}
	return put(l, which, where, good, v, e);
}

void
group_limit_pack(const struct group_limits *l, enum group_limit which,
    msgpack_packer *pk)
{
	if (l->value[which] == GROUP_INFINITY)
		pack_str(pk, "infinity");
	else
		msgpack_pack_uint64(pk, l->value[which]);
}

void
group_limits_pack(const struct group_limits *l, msgpack_packer *pk,
    struct pack_map *m)
{
	for (int i = 0; i < GROUP_LIMITS; i++) {
		if (l->value[i] == 0)
			continue;
		pack_key(pk, m, group_limit_name(i));
		group_limit_pack(l, i, pk);
	}
}

void
group_limit_print(const struct group_limits *l, enum group_limit which, FILE *f)
{
	if (l->value[which] == GROUP_INFINITY)
		fputs("\"infinity\"", f);
	else
		fprintf(f, "%" PRIu64, l->value[which]);
}
