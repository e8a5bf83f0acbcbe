/*
 * bench_client: forkserverd as a lean client sees it.  Does what lines on
 * standard input say, answers each with one line of figures (nanoseconds), or
 * says on standard error what went wrong and exits.  What is run is
 * tests/bench/bench_task.py; the plan is tests/bench/run's.
 *
 *	spawn TEMPLATE START            -> KIND FIRST REPLIED REAPED
 *	load TEMPLATE START CLIENTS MS  -> CHILDREN ELAPSED
 *	hold TEMPLATE START N           -> PID...
 *	drop                            -> CHILDREN
 *
 * spawn: one child, from just before the request is written to its first trio
 * task (by its own reading of the same clock, through a pipe), to the reply, to
 * its `exited`.  load: CLIENTS connections, each with one child at a time from
 * spawn to `exited`, for MS.  hold: N children that wait, in all further ones'
 * company, until drop, which returns when all of them are over.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/forkserver.h"
#include "proto/clock.h"
#include "proto/map.h"
#include "proto/pack.h"

#define DEADLINE_MS 60000 /* of each answer */
#define MAX_CLIENTS 256
#define MAX_HELD 4000
#define PIPE_FD 3 /* the child's, bench_task's FD */

static const char *socket_path;
static struct forkserver *conn; /* of `spawn` and `drop` */
static int pipe_in, pipe_out;
static struct forkserver *holder; /* whose children are held */
static uint64_t held[MAX_HELD];
static size_t nheld;

static struct forkserver *
dial(void)
{
	struct forkserver_error e;
	struct forkserver *fs;

	fs = forkserver_connect(socket_path, DEADLINE_MS, &e);
	if (fs == NULL)
		errx(1, "%s", e.message);
	return fs;
}

/* The params of a spawn; with_pipe: one descriptor goes with them. */
static void
pack_spawn(msgpack_sbuffer *buf, const char *call, const char *template,
    const char *start, bool with_pipe)
{
	struct pack_map m;
	msgpack_packer pk;

	msgpack_sbuffer_init(buf);
	msgpack_packer_init(&pk, buf, msgpack_sbuffer_write);
	pack_map_begin(&pk, &m);
	pack_kv_str(&pk, &m, "call", call);
	pack_kv_str(&pk, &m, "template", template);
	pack_kv_str(&pk, &m, "start", start);
	pack_kv_uint(&pk, &m, "grace_ns", NS_PER_S);
	if (with_pipe) {
		pack_key(&pk, &m, "fds");
		msgpack_pack_array(&pk, 1);
		msgpack_pack_int(&pk, PIPE_FD);
	}
	pack_map_end(&m);
}

struct child {
	uint64_t id, pid;
	char start[16];
};

static void
read_child(const struct forkserver_reply *r, struct child *c)
{
	msgpack_unpacked u;
	struct bytes start = { "", 0 };
	struct map m;
	struct err e;
	size_t off = 0;

	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, (const char *)r->data, r->size, &off) !=
		MSGPACK_UNPACK_SUCCESS ||
	    map_init(&m, &u.data, "", &e) == -1 ||
	    map_uint(&m, "id", MAP_REQUIRED, UINT64_MAX, &c->id) == -1 ||
	    map_uint(&m, "pid", MAP_REQUIRED, UINT64_MAX, &c->pid) == -1 ||
	    map_str(&m, "start", MAP_REQUIRED, sizeof(c->start) - 1, &start) ==
		-1)
		errx(1, "the reply of a spawn cannot be read");
	snprintf(c->start, sizeof(c->start), "%.*s", (int)start.n, start.p);
	msgpack_unpacked_destroy(&u);
}

static void
take_reply(struct forkserver *fs, uint32_t id, struct child *c)
{
	struct forkserver_reply r;
	struct forkserver_error e;

	switch (forkserver_result(fs, id, DEADLINE_MS, &r, &e)) {
	case 1:
		read_child(&r, c);
		break;
	case 0:
		errx(1, "no reply within %d ms", DEADLINE_MS);
	default:
		errx(1, "spawn: %s: %s", e.code, e.message);
	}
	forkserver_reply_free(&r);
}

/* Whether an `exited` is there within the time. */
static bool
take_exited(struct forkserver *fs, int timeout_ms)
{
	struct forkserver_event ev;
	struct forkserver_error e;
	int r = forkserver_next_event(fs, timeout_ms, &ev, &e);
	bool exited = r == 1 && strcmp(ev.name, "exited") == 0;

	if (r == -1)
		errx(1, "%s", e.message);
	if (r == 1)
		forkserver_event_free(&ev);
	return exited;
}

static uint32_t
send_spawn(struct forkserver *fs, const msgpack_sbuffer *params, bool with_pipe)
{
	struct forkserver_error e;
	uint32_t id;

	if (forkserver_send(fs, "spawn", params->data, params->size, &pipe_in,
		with_pipe ? 1 : 0, &id, &e) == -1)
		errx(1, "spawn: %s", e.message);
	return id;
}

static void
do_spawn(const char *template, const char *start)
{
	struct pollfd p = { .fd = pipe_out, .events = POLLIN };
	msgpack_sbuffer params;
	uint64_t begun, first, replied, reaped;
	struct child c;
	uint32_t id;

	pack_spawn(&params, "bench_task:first_task", template, start, true);
	begun = clock_ns();
	id = send_spawn(conn, &params, true);
	take_reply(conn, id, &c);
	replied = clock_ns();
	if (!take_exited(conn, DEADLINE_MS))
		errx(1, "no end of a child within %d ms", DEADLINE_MS);
	reaped = clock_ns();
	if (poll(&p, 1, DEADLINE_MS) != 1 ||
	    read(pipe_out, &first, sizeof(first)) != sizeof(first))
		errx(1, "a child has not told its time");
	printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", c.start,
	    first - begun, replied - begun, reaped - begun);
	msgpack_sbuffer_destroy(&params);
}

static void
do_load(const char *template, const char *start, size_t clients, uint64_t ms)
{
	struct forkserver *fs[MAX_CLIENTS];
	struct pollfd p[MAX_CLIENTS];
	uint32_t id[MAX_CLIENTS];
	uint64_t begun, end, children = 0;
	size_t busy = clients;
	msgpack_sbuffer params;
	struct child c;

	pack_spawn(&params, "bench_task:task", template, start, false);
	for (size_t i = 0; i < clients; i++)
		fs[i] = dial();
	begun = clock_ns();
	end = begun + ms * (NS_PER_S / 1000);
	for (size_t i = 0; i < clients; i++) {
		id[i] = send_spawn(fs[i], &params, false);
		p[i].fd = forkserver_fd(fs[i]);
	}
	while (busy > 0) {
		for (size_t i = 0; i < clients; i++)
			if (p[i].fd != -1)
				p[i].events = forkserver_poll_events(fs[i]);
		if (poll(p, clients, DEADLINE_MS) <= 0)
			errx(1, "nothing has come within %d ms", DEADLINE_MS);
		for (size_t i = 0; i < clients; i++) {
			if (p[i].fd == -1 || p[i].revents == 0 ||
			    !take_exited(fs[i], 0))
				continue;
			take_reply(fs[i], id[i], &c);
			children++;
			if (clock_ns() < end) {
				id[i] = send_spawn(fs[i], &params, false);
			} else {
				p[i].fd = -1;
				busy--;
			}
		}
	}
	printf("%" PRIu64 " %" PRIu64 "\n", children, clock_ns() - begun);
	for (size_t i = 0; i < clients; i++)
		forkserver_close(fs[i]);
	msgpack_sbuffer_destroy(&params);
}

static void
do_hold(const char *template, const char *start, size_t n)
{
	msgpack_sbuffer params;
	struct child c;

	pack_spawn(&params, "bench_task:idle", template, start, false);
	if (holder == NULL)
		holder = dial();
	for (size_t i = 0; i < n; i++) {
		take_reply(holder, send_spawn(holder, &params, false), &c);
		held[nheld++] = c.id;
		printf("%" PRIu64 "%c", c.pid, i + 1 == n ? '\n' : ' ');
	}
	msgpack_sbuffer_destroy(&params);
}

/* The end of the connection ends them; their records say when. */
static void
do_drop(void)
{
	struct forkserver_reply r;
	struct forkserver_error e;
	msgpack_sbuffer params;
	msgpack_packer pk;

	forkserver_close(holder);
	holder = NULL;
	msgpack_sbuffer_init(&params);
	msgpack_packer_init(&pk, &params, msgpack_sbuffer_write);
	for (size_t i = 0; i < nheld; i++) {
		msgpack_sbuffer_clear(&params);
		msgpack_pack_map(&pk, 1);
		pack_str(&pk, "id");
		msgpack_pack_uint64(&pk, held[i]);
		if (forkserver_call(conn, "wait", params.data, params.size,
			NULL, 0, DEADLINE_MS, &r, &e) == -1)
			errx(1, "wait: %s", e.message);
		forkserver_reply_free(&r);
	}
	printf("%zu\n", nheld);
	nheld = 0;
	msgpack_sbuffer_destroy(&params);
}

static void
obey(const char *line)
{
	char template[64], start[16];
	unsigned n, ms;

	if (sscanf(line, "spawn %63s %15s", template, start) == 2)
		do_spawn(template, start);
	else if (sscanf(line, "load %63s %15s %u %u", template, start, &n,
		     &ms) == 4 &&
	    n > 0 && n <= MAX_CLIENTS)
		do_load(template, start, n, ms);
	else if (sscanf(line, "hold %63s %15s %u", template, start, &n) == 3 &&
	    n > 0 && n <= MAX_HELD - nheld)
		do_hold(template, start, n);
	else if (strcmp(line, "drop\n") == 0)
		do_drop();
	else
		errx(2, "what is: %s", line);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	char line[256];
	int p[2];

	if (argc != 2)
		errx(2, "usage: bench_client SOCKET");
	socket_path = argv[1];
	if (pipe2(p, O_CLOEXEC) == -1)
		err(1, "pipe");
	pipe_out = p[0];
	pipe_in = p[1];
	conn = dial();
	while (fgets(line, sizeof(line), stdin) != NULL)
		obey(line);
	forkserver_close(holder);
	forkserver_close(conn);
	return 0;
}
