#include "tests/written.h"

#include <string.h>

void
written_data(const struct reply *r, const char *path, const void *want,
    size_t n)
{
	const msgpack_object *o = at(r, path);

	ck_assert_int_eq(o->type, MSGPACK_OBJECT_BIN);
	ck_assert_uint_eq(o->via.bin.size, n);
	ck_assert_mem_eq(o->via.bin.ptr, want, n);
}

void
written_text(const struct reply *r, const char *path, const char *want)
{
	written_data(r, path, want, strlen(want));
}

void
written_run(struct peer *p, struct reply *r, const char *more)
{
	ck_assert_int_eq(run(p, r, "{'call': 'writes:both', %s}", more), 0);
}

void
written_both(struct peer *p, const char *more)
{
	struct reply r;

	written_run(p, &r, more);
	written_text(&r, "output.stdout.data", IMPORTED "out\nprinted\n");
	written_text(&r, "output.stderr.data", "err\nprinted, too\n");
	ck_assert_int_eq(int_at(&r, "output.stdout.bytes"), 21);
	ck_assert_int_eq(int_at(&r, "output.stdout.dropped"), 0);
	ck_assert(bool_at(&r, "output.stdout.complete"));
	ck_assert(bool_at(&r, "output.stderr.complete"));
	reply_fini(&r);
}
