#include "tests/up.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct up
up_start(struct peer *p, const char *extra, const char *fn)
{
	struct reply r;
	struct up u;
	int pipefd[2];
	uint32_t id;

	ck_assert_int_eq(pipe2(pipefd, O_CLOEXEC), 0);
	id = peer_send_fds(p, "spawn", &pipefd[1], 1,
	    "{'call': '%s%s', 'fds': [1]%s}",
	    strchr(fn, ':') == NULL ? "jobs:" : "", fn, extra);
	close(pipefd[1]);
	peer_response(p, id, &r);
	u.id = int_at(&r, "id");
	u.pid = int_at(&r, "pid");
	u.out = pipefd[0];
	reply_fini(&r);
	ck_assert_str_eq(read_text(u.out, true), "up\n");
	return u;
}
