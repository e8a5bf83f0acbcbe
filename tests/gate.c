#include "tests/gate.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/up.h"

struct gate
gate_make(void)
{
	struct gate g = { .fd = -1 };

	snprintf(g.path, sizeof(g.path), "%s/gate", live.dir);
	ck_assert_int_eq(mkfifo(g.path, 0600), 0);
	return g;
}

void
gate_wait(struct gate *g)
{
	g->fd = open(g->path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ne(g->fd, -1);
}

void
gate_open(struct gate *g)
{
	if (g->fd != -1) /* that one is gone, another comes */
		close(g->fd);
	gate_wait(g);
	close(g->fd);
	unlink(g->path);
}

uint64_t
newest(struct peer *p)
{
	struct reply r;
	char path[48];
	uint64_t id;

	ask(p, &r, "list", "{}");
	ck_assert_uint_gt(at(&r, "children")->via.array.size, 0);
	snprintf(path, sizeof(path), "children.%u.id",
	    at(&r, "children")->via.array.size - 1);
	id = int_at(&r, path);
	reply_fini(&r);
	return id;
}

void
close_and_settle(struct peer *p, struct peer *other)
{
	struct reply r;
	struct up u = up_start(p, "", "hang");

	peer_close(p);
	wait_end(other, u.id, &r);
	reply_fini(&r);
	close(u.out);
}
