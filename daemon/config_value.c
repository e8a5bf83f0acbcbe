#include "daemon/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/config_limit.h"

/* What the key wants, for errors. */
static const char *
wanted(const struct config_key *k, char *buf, size_t n)
{
	size_t at = 0;

	switch (k->kind) {
	case KIND_TEXT:
		return "a string";
	case KIND_OCTAL:
		return "a string of octal digits such as \"0600\"";
	case KIND_COUNT:
		snprintf(buf, n, "an integer from %" PRIu64 " to %" PRIu64,
		    k->min, k->max);
		return buf;
	case KIND_SECONDS:
		snprintf(buf, n, "seconds from %" PRIu64 " to %" PRIu64, k->min,
		    k->max);
		return buf;
	case KIND_BOOL:
		return "true or false";
	case KIND_LIST:
		if (k->choices == NULL)
			return "a list of strings";
		at = snprintf(buf, n, "a list of");
		break;
	case KIND_CHOICE:
		at = snprintf(buf, n, "one of");
		break;
	case KIND_TABLE:
		return "a table of strings";
	case KIND_LIMIT: /* it says so itself */
		return "a limit";
	}
	for (const char *const *c = k->choices; *c != NULL; c++)
		at += snprintf(buf + at, n - at, " \"%s\"", *c);
	return buf;
}

static int
refuse(const struct config_key *k, const char *where, const char *got,
    struct err *e)
{
	char buf[128];

	return err_key(e, where, "%s: expected %s, not %s", where,
	    wanted(k, buf, sizeof(buf)), got);
}

static void
words_fini(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct words){ 0 };
}

/* Takes S, which may be NULL for want of memory. */
static int
words_add(struct words *w, char *s, struct err *e)
{
	char **v = s == NULL ? NULL : reallocarray(w->v, w->n + 1, sizeof(*v));

	if (v == NULL) {
		free(s);
		return err_memory(e, "a list");
	}
	w->v = v;
	w->v[w->n++] = s;
	return 0;
}

static int
put_text(void *at, char *s, struct err *e)
{
	if (s == NULL)
		return err_memory(e, "a string");
	free(*(char **)at);
	*(char **)at = s;
	return 0;
}

static int
put_seconds(const struct config_key *k, void *at, double s)
{
	if (!isfinite(s) || s < (double)k->min || s > (double)k->max)
		return -1;
	*(uint64_t *)at = (uint64_t)(s * (double)NS_PER_S + 0.5);
	return 0;
}

static int
put_digits(const struct config_key *k, void *at, const char *s, int base)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &end, base);
	if (s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 ||
	    v < k->min || v > k->max)
		return -1;
	*(uint64_t *)at = v;
	return 0;
}

/* -1: it is none. */
static int
choice_of(const struct config_key *k, const char *s, size_t n)
{
	for (int i = 0; k->choices[i] != NULL; i++)
		if (strlen(k->choices[i]) == n &&
		    memcmp(k->choices[i], s, n) == 0)
			return i;
	return -1;
}

static int
put_choice(const struct config_key *k, void *at, const char *s, size_t n)
{
	int i = choice_of(k, s, n);

	if (i != -1)
		*(int *)at = i;
	return i == -1 ? -1 : 0;
}

/* Takes W's words, or frees them where one is no choice of the key's. */
static int
put_list(const struct config_key *k, void *at, struct words *w)
{
	for (size_t i = 0; k->choices != NULL && i < w->n; i++)
		if (choice_of(k, w->v[i], strlen(w->v[i])) == -1) {
			words_fini(w);
			return -1;
		}
	words_fini(at);
	*(struct words *)at = *w;
	return 0;
}

/* "a,b,c"; of a table "K=v,L=w"; "" is the empty list. */
static int
put_commas(const struct config_key *k, void *at, const char *s, struct err *e)
{
	struct words w = { 0 };

	while (*s != '\0') {
		size_t n = strcspn(s, ",");

		if (k->kind == KIND_TABLE && memchr(s, '=', n) == NULL) {
			words_fini(&w);
			return err_set(e, ERR_INVALID_PARAMS,
			    "expected NAME=VALUE,NAME=VALUE…");
		}
		if (words_add(&w, strndup(s, n), e) == -1) {
			words_fini(&w);
			return -1;
		}
		s += n + (s[n] == ',');
	}
	if (put_list(k, at, &w) == 0)
		return 0;
	return err_set(e, ERR_INVALID_PARAMS, "no choice");
}

int
config_value_text(const struct config_key *k, void *section, const char *where,
    const char *s, struct err *e)
{
	void *at = (char *)section + k->at;
	char got[80];
	int r = -1;

	switch (k->kind) {
	case KIND_TEXT:
		return put_text(at, strdup(s), e);
	case KIND_OCTAL:
		r = put_digits(k, at, s, 8);
		break;
	case KIND_COUNT:
		r = put_digits(k, at, s, 10);
		break;
	case KIND_SECONDS: {
		char *end;
		double v = strtod(s, &end);

		if (end != s && *end == '\0')
			r = put_seconds(k, at, v);
		break;
	}
	case KIND_BOOL:
		if (strcmp(s, "true") == 0 || strcmp(s, "1") == 0)
			r = (*(bool *)at = true, 0);
		else if (strcmp(s, "false") == 0 || strcmp(s, "0") == 0)
			r = (*(bool *)at = false, 0);
		break;
	case KIND_CHOICE:
		r = put_choice(k, at, s, strlen(s));
		break;
	case KIND_LIST:
	case KIND_TABLE:
		r = put_commas(k, at, s, e);
		if (r == -1 && e->code == ERR_SYSTEM)
			return -1;
		break;
	case KIND_LIMIT:
		return config_limit_text(k, at, where, s, e);
	}
	if (r == 0)
		return 0;
	snprintf(got, sizeof(got), "\"%.64s\"", s);
	return refuse(k, where, got, e);
}

static const char *
type_word(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		return "null";
	case MSGPACK_OBJECT_BOOLEAN:
		return "a boolean";
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return "that integer";
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return "that number";
	case MSGPACK_OBJECT_STR:
	case MSGPACK_OBJECT_BIN:
		return "that string";
	case MSGPACK_OBJECT_ARRAY:
		return "that array";
	case MSGPACK_OBJECT_MAP:
		return "a table";
	case MSGPACK_OBJECT_EXT:
		return "that";
	}
	return "that";
}

static bool
is_text(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_STR &&
	    (o->via.str.size == 0 ||
		memchr(o->via.str.ptr, '\0', o->via.str.size) == NULL);
}

static char *
text_of(const msgpack_object *o)
{
	return bytes_dup((struct bytes){ o->via.str.ptr, o->via.str.size });
}

static char *
pair_of(const msgpack_object_kv *kv)
{
	char *s;

	if (asprintf(&s, "%.*s=%.*s", (int)kv->key.via.str.size,
		kv->key.via.str.ptr, (int)kv->val.via.str.size,
		kv->val.via.str.ptr) == -1)
		return NULL;
	return s;
}

/* 0; -1 with E filled; 1 where it is of the wrong type. */
static int
put_words(const struct config_key *k, void *at, const msgpack_object *o,
    struct err *e)
{
	struct words w = { 0 };
	bool table = k->kind == KIND_TABLE;
	uint32_t n;
	int r = 0;

	if (o->type != (table ? MSGPACK_OBJECT_MAP : MSGPACK_OBJECT_ARRAY))
		return 1;
	n = table ? o->via.map.size : o->via.array.size;
	for (uint32_t i = 0; i < n && r == 0; i++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[i];

		if (!table && is_text(&o->via.array.ptr[i]))
			r = words_add(&w, text_of(&o->via.array.ptr[i]), e);
		else if (table && is_text(&kv->key) && is_text(&kv->val) &&
		    kv->key.via.str.size > 0 &&
		    memchr(kv->key.via.str.ptr, '=', kv->key.via.str.size) ==
			NULL)
			r = words_add(&w, pair_of(kv), e);
		else
			r = 1;
	}
	if (r != 0) {
		words_fini(&w);
		return r;
	}
	return put_list(k, at, &w) == 0 ? 0 : 1;
}

/* 0; -1 with E filled; 1 where it does not fit the key. */
static int
put_object(const struct config_key *k, void *at, const msgpack_object *o,
    struct err *e)
{
	char digits[16];

	switch (k->kind) {
	case KIND_TEXT:
		return is_text(o) ? put_text(at, text_of(o), e) : 1;
	case KIND_OCTAL:
		if (!is_text(o) || o->via.str.size >= sizeof(digits))
			return 1;
		memcpy(digits, o->via.str.ptr, o->via.str.size);
		digits[o->via.str.size] = '\0';
		return put_digits(k, at, digits, 8) == 0 ? 0 : 1;
	case KIND_COUNT:
		if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		    o->via.u64 < k->min || o->via.u64 > k->max)
			return 1;
		*(uint64_t *)at = o->via.u64;
		return 0;
	case KIND_SECONDS:
		if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
			return put_seconds(k, at, (double)o->via.u64) != 0;
		if (o->type == MSGPACK_OBJECT_FLOAT64 ||
		    o->type == MSGPACK_OBJECT_FLOAT32)
			return put_seconds(k, at, o->via.f64) != 0;
		return 1;
	case KIND_BOOL:
		if (o->type != MSGPACK_OBJECT_BOOLEAN)
			return 1;
		*(bool *)at = o->via.boolean;
		return 0;
	case KIND_CHOICE:
		return !is_text(o) ||
		    put_choice(k, at, o->via.str.ptr, o->via.str.size) != 0;
	case KIND_LIST:
	case KIND_TABLE:
		return put_words(k, at, o, e);
	case KIND_LIMIT: /* config_value_object does */
		break;
	}
	return 1;
}

int
config_value_object(const struct config_key *k, void *section,
    const char *where, const msgpack_object *o, struct err *e)
{
	void *at = (char *)section + k->at;
	int r;

	if (k->kind == KIND_LIMIT)
		return config_limit_object(k, at, where, o, e);
	r = put_object(k, at, o, e);

	return r == 1 ? refuse(k, where, type_word(o), e) : r;
}

void
config_value_fini(const struct config_key *k, void *section)
{
	void *at = (char *)section + k->at;

	if (k->kind == KIND_TEXT)
		free(*(char **)at);
	else if (k->kind == KIND_LIST || k->kind == KIND_TABLE)
		words_fini(at);
}
