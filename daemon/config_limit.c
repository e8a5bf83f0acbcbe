#include "daemon/config_limit.h"

#include <string.h>

/* As other faults of the configuration are told. */
static int
refused(struct err *e)
{
	char key[sizeof(e->key)];

	strcpy(key, e->key);
	return err_wrap(e, "%s", key);
}

int
config_limit_text(const struct config_key *k, struct limits *l,
    const char *where, const char *s, struct err *e)
{
	enum limit which = limit_by_name(k->name);
	struct limits new = *l;

	limits_clear(&new, which);
	if (*s != '\0' && limits_text(&new, which, where, s, e) == -1)
		return refused(e);
	*l = new;
	return 0;
}

int
config_limit_object(const struct config_key *k, struct limits *l,
    const char *where, const msgpack_object *o, struct err *e)
{
	enum limit which = limit_by_name(k->name);

	if (o->type == MSGPACK_OBJECT_STR && o->via.str.size == 0) {
		limits_clear(l, which);
		return 0;
	}
	return limits_object(l, which, where, o, e) == 0 ? 0 : refused(e);
}
