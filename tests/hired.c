#include "tests/hired.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/clock.h"

/* In the client. */
static _Noreturn void
serve(unsigned n, const char *extra, int out, int ids)
{
	struct peer p;
	struct reply r;

	signal(SIGINT, SIG_DFL);
	peer_open(&p);
	for (unsigned i = 0; i < n; i++)
		peer_send_fds(&p, "spawn", &out, 1, "{%s, 'fds': [1]}", extra);
	close(out);
	for (unsigned i = 0; i < n;) {
		peer_next(&p, &r);
		if (r.msg.type == MSG_RESPONSE) {
			uint64_t id = int_at(&r, "id");

			ck_assert_int_eq(write(ids, &id, sizeof(id)),
			    sizeof(id));
			i++;
		}
		reply_fini(&r);
	}
	for (;;)
		pause();
}

void
hire(struct hired *h, unsigned n, const char *extra)
{
	int out[2], ids[2];

	ck_assert_uint_le(n, HIRED_MAX);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ids, O_CLOEXEC), 0);
	h->n = n;
	h->out = out[0];
	h->pid = fork();
	ck_assert_int_ne(h->pid, -1);
	if (h->pid == 0) {
		close(out[0]);
		close(ids[0]);
		serve(n, extra, out[1], ids[1]);
	}
	close(out[1]);
	close(ids[1]);
	for (unsigned i = 0; i < n; i++)
		ck_assert_msg(read(ids[0], &h->ids[i], sizeof(*h->ids)) ==
			sizeof(*h->ids),
		    "the client has failed");
	close(ids[0]);
	for (unsigned i = 0; i < n; i++)
		ck_assert_str_eq(read_text(h->out, true), "up\n");
}

void
fire(struct hired *h, int sig)
{
	int status;

	ck_assert_int_eq(kill(h->pid, sig), 0);
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	ck_assert_int_eq(WTERMSIG(status), sig);
	close(h->out);
}

void
all_end(struct peer *p, const uint64_t *ids, unsigned n,
    void (*check)(const struct reply *))
{
	uint64_t until = clock_ns() + DEADLINE_S * NS_PER_S;
	struct reply r;

	for (unsigned i = 0; i < n; i++) {
		wait_end(p, ids[i], &r);
		check(&r);
		reply_fini(&r);
	}
	ck_assert_msg(clock_ns() < until, "%u children: not over within %d s",
	    n, DEADLINE_S);
}
