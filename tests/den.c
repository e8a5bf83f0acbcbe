#include "tests/den.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct den
den(struct peer *p, const char *extra)
{
	struct den d;
	struct reply r;
	pid_t one, two;
	int out[2];
	uint32_t q;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(p, "spawn", &out[1], 1,
	    "{'call': 'leaves:two', 'fds': [1]%s}", extra);
	close(out[1]);
	peer_response(p, q, &r);
	d.id = int_at(&r, "id");
	d.pid = int_at(&r, "pid");
	d.out = out[0];
	reply_fini(&r);
	one = atoi(read_text(d.out, true));
	two = atoi(read_text(d.out, true));
	ck_assert(one > 0 && two > 0);
	d.group = getpgid(one) == d.pid ? one : two;
	d.session = d.group == one ? two : one;
	ck_assert_int_eq(getpgid(d.group), d.pid);
	ck_assert_int_eq(getsid(d.session), d.session);
	return d;
}

struct den
den_of_one(struct peer *p, bool session, struct reply *r)
{
	struct den d = { 0 };
	uint32_t q;
	int out[2];
	pid_t left;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	q = peer_send_fds(p, "spawn", &out[1], 1,
	    "{'call': 'leaves:at_once', 'args': [%s], 'fds': [1]}",
	    session ? "true" : "false");
	close(out[1]);
	peer_response(p, q, r);
	d.id = int_at(r, "id");
	d.pid = int_at(r, "pid");
	d.out = out[0];
	reply_fini(r);
	wait_end(p, d.id, r);
	left = atoi(read_text(d.out, true));
	*(session ? &d.session : &d.group) = left;
	ck_assert_int_eq(getpgid(left), session ? left : d.pid);
	return d;
}

void
den_end(struct peer *p, const struct den *d, const char *method,
    struct reply *r)
{
	ask(p, r, method, "{'id': %ju}", (uintmax_t)d->id);
	reply_fini(r);
	wait_end(p, d->id, r);
}

void
lives_on(pid_t pid)
{
	ck_assert_ptr_null(strchr("?Z", process_state(pid)));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	process_gone(pid);
}
