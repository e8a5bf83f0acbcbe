#include "tests/dumps.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char dump_config[] =
    "[template.default]\npath = [\"%s\"]\n"
    "[template.isolated]\npath = [\"%s\"]\nmode = \"isolated\"\n"
    "[template.plain]\npath = [\"%s\"]\npromote = false\n";

void
dump_ask(struct peer *p, uint64_t id, struct reply *r)
{
	ask(p, r, "dump", "{'id': %ju, 'timeout_ns': 20000000000}",
	    (uintmax_t)id);
}

void
dump_has(const struct reply *r, const char *path, const char *what)
{
	if (strstr(str_at(r, path), what) == NULL)
		ck_abort_msg("%s has no \"%s\":\n%s", path, what,
		    str_at(r, path));
}

void
dump_kill(struct peer *p, const struct up *u)
{
	struct reply r;

	ask(p, &r, "kill", "{'id': %ju}", (uintmax_t)u->id);
	reply_fini(&r);
	wait_end(p, u->id, &r);
	reply_fini(&r);
	close(u->out);
}

int
dump_task(const struct reply *r, const char *name)
{
	const int n = at(r, "trio.0.tasks")->via.array.size;
	char path[64];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "trio.0.tasks.%d.name", i);
		if (strcmp(str_at(r, path), name) == 0)
			return i;
	}
	ck_abort_msg("no task \"%s\"", name);
}

const char *
dump_path(int task, const char *rest)
{
	static char path[96];

	snprintf(path, sizeof(path), "trio.0.tasks.%d.%s", task, rest);
	return path;
}

void
dump_is_family(const struct reply *r)
{
	const int first = dump_task(r, "first-born"),
		  kid = dump_task(r, "kid-0");

	ck_assert(bool_at(r, "turning"));
	ck_assert_str_eq(str_at(r, "stacks_by"), "python");
	ck_assert_str_eq(str_at(r, "trio.0.tasks.0.name"), "hangs.family");
	ck_assert_str_eq(str_at(r, "trio.0.tasks.0.state"), "blocked");
	/* nursery, scope, nursery, scope */
	ck_assert_uint_eq(at(r, "trio.0.tasks.0.scopes")->via.array.size, 4);
	ck_assert(bool_at(r, "trio.0.tasks.0.scopes.0.nursery"));
	ck_assert(!bool_at(r, "trio.0.tasks.0.scopes.1.nursery"));
	ck_assert_int_gt(int_at(r, "trio.0.tasks.0.scopes.1.left_ns"), 0);
	ck_assert_int_le(int_at(r, "trio.0.tasks.0.scopes.1.left_ns"),
	    INT64_C(1000000000000));
	ck_assert(bool_at(r, "trio.0.tasks.0.scopes.2.nursery"));
	ck_assert(bool_at(r, "trio.0.tasks.0.scopes.3.shield"));
	ck_assert(!bool_at(r, "trio.0.tasks.0.scopes.3.cancelled"));
	ck_assert(!has(r, "trio.0.tasks.0.scopes.3.left_ns"));
	ck_assert(!has(r, "trio.0.tasks.0.parent"));
	ck_assert_int_eq(int_at(r, dump_path(first, "parent")), 0);
	ck_assert_int_eq(int_at(r, dump_path(first, "nursery")), 0);
	ck_assert_int_eq(int_at(r, dump_path(kid, "nursery")), 1);
	ck_assert_str_eq(str_at(r, dump_path(kid, "stack.0.function")),
	    "sleeper");
	ck_assert_str_eq(str_at(r, dump_path(kid, "stack.0.source")),
	    "await trio.sleep_forever()");
	dump_has(r, "trio.0.tree", "hangs.family (blocked)\n");
	dump_has(r, "trio.0.tree", "\xe2\x94\x94\xe2\x94\x80 nursery\n");
	dump_has(r, "trio.0.tree", "cancel scope, shielded\n");
	dump_has(r, "stacks", "most recent call last");
}
