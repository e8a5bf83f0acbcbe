#include "proto/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/cpus.h"

/* Of those that a process has; the others' are group_limits'. */
static const char *const names[LIMIT_MEMORY_MAX] = {
	[LIMIT_RLIMITS] = "rlimits",
	[LIMIT_NICE] = "nice",
	[LIMIT_CPUS] = "cpus",
	[LIMIT_OOM_SCORE_ADJ] = "oom_score_adj",
};

static const char *const resources[RLIM_NLIMITS] = {
	[RLIMIT_AS] = "as",
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

const char *
limit_name(enum limit which)
{
	return which < LIMIT_MEMORY_MAX ?
	    names[which] :
	    group_limit_name(which - LIMIT_MEMORY_MAX);
}

enum limit
limit_by_name(const char *name)
{
	int i = 0;

	while (i < LIMITS && strcmp(limit_name(i), name) != 0)
		i++;
	return i;
}

const char *
limit_resource_name(int resource)
{
	return resources[resource];
}

bool
limits_have(const struct limits *l, enum limit which)
{
	return (l->set & 1u << which) != 0;
}

void
limits_clear(struct limits *l, enum limit which)
{
	l->set &= ~(1u << which);
	if (which == LIMIT_RLIMITS)
		l->rlimits = 0;
	if (which >= LIMIT_MEMORY_MAX)
		l->group.value[which - LIMIT_MEMORY_MAX] = 0;
}

struct group_limits
limits_take_group(struct limits *l)
{
	struct group_limits group = l->group;

	for (int i = LIMIT_MEMORY_MAX; i < LIMITS; i++)
		limits_clear(l, i);
	return group;
}

static bool
same_rlimits(const struct limits *a, const struct limits *b)
{
	if (a->rlimits != b->rlimits)
		return false;
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if ((a->rlimits & 1u << i) != 0 &&
		    (a->rlimit[i].rlim_cur != b->rlimit[i].rlim_cur ||
			a->rlimit[i].rlim_max != b->rlimit[i].rlim_max))
			return false;
	return true;
}

bool
limits_same(const struct limits *a, const struct limits *b, enum limit which)
{
	if (!limits_have(a, which) || !limits_have(b, which))
		return limits_have(a, which) == limits_have(b, which);
	switch (which) {
	case LIMIT_RLIMITS:
		return same_rlimits(a, b);
	case LIMIT_NICE:
		return a->nice == b->nice;
	case LIMIT_CPUS:
		return CPU_EQUAL(&a->cpus, &b->cpus) != 0;
	case LIMIT_OOM_SCORE_ADJ:
		return a->oom_score_adj == b->oom_score_adj;
	case LIMIT_MEMORY_MAX:
	case LIMIT_CPU_WEIGHT:
	case LIMIT_PIDS_MAX:
		return a->group.value[which - LIMIT_MEMORY_MAX] ==
		    b->group.value[which - LIMIT_MEMORY_MAX];
	}
	return false;
}

void
limits_add(struct limits *l, const struct limits *base)
{
	unsigned missing = base->set & ~l->set;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if ((base->rlimits & ~l->rlimits & 1u << i) != 0)
			l->rlimit[i] = base->rlimit[i];
	l->rlimits |= base->rlimits;
	if ((missing & 1u << LIMIT_NICE) != 0)
		l->nice = base->nice;
	if ((missing & 1u << LIMIT_CPUS) != 0)
		l->cpus = base->cpus;
	if ((missing & 1u << LIMIT_OOM_SCORE_ADJ) != 0)
		l->oom_score_adj = base->oom_score_adj;
	for (int i = 0; i < GROUP_LIMITS; i++)
		if (l->group.value[i] == 0)
			l->group.value[i] = base->group.value[i];
	l->set |= base->set;
}

static int
must_be(struct err *e, const char *where, const char *what)
{
	return err_key(e, where, "must be %s", what);
}

/* Of a resource of N bytes of name; -1: there is none. */
static int
resource_of(const char *name, size_t n)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (strlen(resources[i]) == n &&
		    memcmp(resources[i], name, n) == 0)
			return i;
	return -1;
}

static int
put_rlimit(struct limits *l, const char *where, const char *name, size_t n,
    const struct rlimit *r, struct err *e)
{
	int i = resource_of(name, n);
	char path[sizeof(e->key)];

	snprintf(path, sizeof(path), "%s.%.*s", where, n < 32 ? (int)n : 32,
	    name);
	for (char *c = path; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (i == -1)
		return err_key(e, path,
		    "is no limit of setrlimit(2), as \"nofile\" is one");
	if (r == NULL)
		return must_be(e, path,
		    "a number, \"infinity\", or a soft and a hard one");
	if (r->rlim_cur > r->rlim_max)
		return err_key(e, path,
		    "has a soft limit above the hard one, %ju",
		    (uintmax_t)r->rlim_max);
	l->rlimit[i] = *r;
	l->rlimits |= 1u << i;
	l->set |= 1u << LIMIT_RLIMITS;
	return 0;
}

static bool
number_of(const msgpack_object *o, rlim_t *out)
{
	if (o->type == MSGPACK_OBJECT_STR) {
		*out = RLIM_INFINITY;
		return o->via.str.size == 8 &&
		    memcmp(o->via.str.ptr, "infinity", 8) == 0;
	}
	*out = o->via.u64;
	return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
}

static bool
rlimit_of(const msgpack_object *o, struct rlimit *r)
{
	if (o->type != MSGPACK_OBJECT_ARRAY) {
		if (!number_of(o, &r->rlim_cur))
			return false;
		r->rlim_max = r->rlim_cur;
		return true;
	}
	return o->via.array.size == 2 &&
	    number_of(&o->via.array.ptr[0], &r->rlim_cur) &&
	    number_of(&o->via.array.ptr[1], &r->rlim_max);
}

static int
rlimits_object(struct limits *l, const char *where, const msgpack_object *o,
    struct err *e)
{
	const msgpack_object_map *m = &o->via.map;
	struct limits new = { 0 };
	struct rlimit r;

	if (o->type != MSGPACK_OBJECT_MAP)
		return must_be(e, where, "a map of names to limits");
	for (uint32_t i = 0; i < m->size; i++) {
		const msgpack_object_str *k = &m->ptr[i].key.via.str;

		if (m->ptr[i].key.type != MSGPACK_OBJECT_STR)
			return must_be(e, where, "a map whose keys are str");
		if (put_rlimit(&new, where, k->ptr, k->size,
			rlimit_of(&m->ptr[i].val, &r) ? &r : NULL, e) == -1)
			return -1;
	}
	limits_clear(l, LIMIT_RLIMITS);
	limits_add(l, &new);
	return 0;
}

static int
put_int(struct limits *l, enum limit which, const char *where, bool good,
    int64_t v, struct err *e)
{
	int64_t least = which == LIMIT_NICE ? -20 : -1000;
	int64_t most = which == LIMIT_NICE ? 19 : 1000;

	if (!good)
		return err_key(e, where, "must be an int from %d to %d",
		    (int)least, (int)most);
	if (v < least || v > most)
		return err_key(e, where, "must be from %d to %d, not %" PRId64,
		    (int)least, (int)most, v);
	*(which == LIMIT_NICE ? &l->nice : &l->oom_score_adj) = (int)v;
	l->set |= 1u << which;
	return 0;
}

static int
put_cpus(struct limits *l, const char *where, const char *text, struct err *e)
{
	cpu_set_t cpus;

	if (text == NULL || !cpus_parse(text, &cpus))
		return err_key(e, where,
		    "must be a list of CPUs such as \"0-3,8\", below %d",
		    CPU_SETSIZE);
	l->cpus = cpus;
	l->set |= 1u << LIMIT_CPUS;
	return 0;
}

/* R: whether its value could be read. */
static int
put_group(struct limits *l, enum limit which, int r)
{
	if (r == 0)
		l->set |= 1u << which;
	return r;
}

int
limits_object(struct limits *l, enum limit which, const char *where,
    const msgpack_object *o, struct err *e)
{
	char text[LIMITS_TEXT] = "";

	switch (which) {
	case LIMIT_RLIMITS:
		return rlimits_object(l, where, o, e);
	case LIMIT_NICE:
	case LIMIT_OOM_SCORE_ADJ:
		/* Of more than INT64_MAX it is below 0, and out as well. */
		return put_int(l, which, where,
		    o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
			(o->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
			    o->via.u64 <= INT64_MAX),
		    o->via.i64, e);
	case LIMIT_CPUS:
		if (o->type != MSGPACK_OBJECT_STR ||
		    o->via.str.size >= sizeof(text))
			return put_cpus(l, where, NULL, e);
		memcpy(text, o->via.str.ptr, o->via.str.size);
		return put_cpus(l, where,
		    strlen(text) == o->via.str.size ? text : NULL, e);
	case LIMIT_MEMORY_MAX:
	case LIMIT_CPU_WEIGHT:
	case LIMIT_PIDS_MAX:
		return put_group(l, which,
		    group_limit_object(&l->group, which - LIMIT_MEMORY_MAX,
			where, o, e));
	}
	return 0;
}

/* "1024:4096", "1024", "infinity"; S ends at its N-th byte. */
static bool
rlimit_text(const char *s, size_t n, struct rlimit *r)
{
	rlim_t v[2] = { 0 };
	int i = 0;

	for (; i < 2 && n > 0; i++) {
		size_t len = 0;

		if (n >= 8 && memcmp(s, "infinity", 8) == 0) {
			v[i] = RLIM_INFINITY;
			len = 8;
		} else {
			for (v[i] = 0; len < n && len < 19 && s[len] >= '0' &&
			    s[len] <= '9';
			    len++)
				v[i] = v[i] * 10 + (rlim_t)(s[len] - '0');
		}
		if (len == 0 ||
		    (len < n && (s[len] != ':' || i == 1 || len + 1 == n)))
			return false;
		s += len + (len < n);
		n -= len + (len < n);
	}
	if (i == 0 || n > 0)
		return false;
	*r = (struct rlimit){ v[0], v[i - 1] };
	return true;
}

static int
rlimits_text(struct limits *l, const char *where, const char *s, struct err *e)
{
	struct limits new = { 0 };
	struct rlimit r;

	while (*s != '\0') {
		size_t n = strcspn(s, ","), name = strcspn(s, "=,");

		if (name >= n)
			return must_be(e, where,
			    "NAME=SOFT:HARD,NAME=LIMIT...");
		if (put_rlimit(&new, where, s, name,
			rlimit_text(s + name + 1, n - name - 1, &r) ? &r : NULL,
			e) == -1)
			return -1;
		s += n + (s[n] == ',');
	}
	limits_add(&new, l);
	l->rlimits = new.rlimits;
	memcpy(l->rlimit, new.rlimit, sizeof(l->rlimit));
	l->set |= new.set & 1u << LIMIT_RLIMITS;
	return 0;
}

int
limits_text(struct limits *l, enum limit which, const char *where,
    const char *s, struct err *e)
{
	int v = 0, n = 0;
	bool good;

	switch (which) {
	case LIMIT_RLIMITS:
		return rlimits_text(l, where, s, e);
	case LIMIT_NICE:
	case LIMIT_OOM_SCORE_ADJ:
		good = strlen(s) < 8 && sscanf(s, "%d%n", &v, &n) == 1 &&
		    s[n] == '\0';
		return put_int(l, which, where, good, v, e);
	case LIMIT_CPUS:
		return put_cpus(l, where, s, e);
	case LIMIT_MEMORY_MAX:
	case LIMIT_CPU_WEIGHT:
	case LIMIT_PIDS_MAX:
		return put_group(l, which,
		    group_limit_text(&l->group, which - LIMIT_MEMORY_MAX, where,
			s, e));
	}
	return 0;
}
