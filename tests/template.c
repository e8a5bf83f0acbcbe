#include "tests/template.h"

#include <stdio.h>
#include <string.h>

/* The reply to `templates`, cut down to the one of that name. */
static void
template_of(struct peer *p, const char *name, struct reply *r, char *path)
{
	ask(p, r, "templates", "{}");
	for (unsigned i = 0; i < at(r, "templates")->via.array.size; i++) {
		sprintf(path, "templates.%u.name", i);
		if (strcmp(str_at(r, path), name) == 0) {
			sprintf(path, "templates.%u.", i);
			return;
		}
	}
	ck_abort_msg("no template %s", name);
}

const char *
template_str(struct peer *p, const char *name, const char *key)
{
	struct reply r;
	char path[96];
	const char *s;

	template_of(p, name, &r, path);
	strcat(path, key);
	s = has(&r, path) ? str_at(&r, path) : "";
	reply_fini(&r);
	return s;
}

int64_t
template_int(struct peer *p, const char *name, const char *key)
{
	struct reply r;
	char path[96];
	int64_t v;

	template_of(p, name, &r, path);
	strcat(path, key);
	v = int_at(&r, path);
	reply_fini(&r);
	return v;
}

void
template_echo(struct peer *p, const char *extra)
{
	struct reply r;

	ck_assert_int_eq(run(p, &r, "{'call': 'jobs:trio_echo', 'args': [1]%s}",
			     extra),
	    0);
	ck_assert_int_eq(int_at(&r, "result.0"), 1);
	reply_fini(&r);
}
