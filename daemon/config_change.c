#include "daemon/config_change.h"

#include <string.h>

#include "daemon/config_keys.h"

static const char *const live_server[] = { "max_clients", "max_children",
	"max_starting", "max_standbys", "max_queued_bytes", "records", "tokens",
	"token_expiry", "grace", "zygote", "log_level", "drain_timeout",
	"drain_detached", "zygote_timeout", NULL };
static const char *const live_template[] = { "preload_timeout", "start",
	"standby_min", "standby_max", "standby_age", NULL };

static bool
among(const char *const *names, const char *name)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool
same_words(const struct words *a, const struct words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

/* Of a value, in its section's struct. */
static size_t
size_of(const struct config_key *k)
{
	switch (k->kind) {
	case KIND_TEXT:
		return sizeof(char *);
	case KIND_OCTAL:
	case KIND_COUNT:
	case KIND_SECONDS:
		return sizeof(uint64_t);
	case KIND_BOOL:
		return sizeof(bool);
	case KIND_CHOICE:
		return sizeof(int);
	case KIND_LIST:
	case KIND_TABLE:
		return sizeof(struct words);
	case KIND_LIMIT: /* the server has none, to swap */
		break;
	}
	return 0;
}

static bool
same(const struct config_key *k, const void *x, const void *y)
{
	const void *a = (const char *)x + k->at, *b = (const char *)y + k->at;

	if (k->kind == KIND_TEXT)
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	if (k->kind == KIND_LIST || k->kind == KIND_TABLE)
		return same_words(a, b);
	if (k->kind == KIND_LIMIT)
		return limits_same(a, b, limit_by_name(k->name));
	return memcmp(a, b, size_of(k)) == 0;
}

static void
swap(const struct config_key *k, void *x, void *y)
{
	void *a = (char *)x + k->at, *b = (char *)y + k->at;
	char t[sizeof(struct words)];

	memcpy(t, a, size_of(k));
	memcpy(a, b, size_of(k));
	memcpy(b, t, size_of(k));
}

enum config_change
config_template_change(const struct config_template *from,
    const struct config_template *to)
{
	enum config_change change = CHANGE_NONE;

	for (const struct config_key *k = config_template_keys; k->name != NULL;
	    k++) {
		if (same(k, from, to))
			continue;
		if (!among(live_template, k->name))
			return CHANGE_ANEW;
		change = CHANGE_LIVE;
	}
	return change;
}

void
config_server_keep(struct config *new, struct config *old,
    void (*changed)(void *, const char *), void *arg)
{
	for (const struct config_key *k = config_server_keys; k->name != NULL;
	    k++) {
		if (among(live_server, k->name) ||
		    same(k, &new->server, &old->server))
			continue;
		swap(k, &new->server, &old->server);
		changed(arg, k->name);
	}
}

const struct config_template *
config_template_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->ntemplates; i++)
		if (strcmp(c->templates[i]->name, name) == 0)
			return c->templates[i];
	return NULL;
}
