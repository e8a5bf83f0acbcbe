/*
 * Memory that the daemon does not get: each of its allocations in turn, for one
 * request of each kind.  Whoever asks is told, or loses his connection where
 * there is not even room for that; the daemon goes on.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/fault.h"
#include "tests/harness.h"
#include "tests/lit.h"
#include "tests/up.h"

#define MANY 4000
#define MOST 200 /* allocations that one request may need */

static struct peer crowd[MANY];

/* How often. */
struct told {
	unsigned lost, no_result;
};

/* The response to ID, or false: the daemon has closed the connection. */
static bool
hears(struct peer *p, uint32_t id, struct reply *r)
{
	struct pollfd pfd = { .fd = p->st.fd, .events = POLLIN };
	struct msg m;
	struct err e;
	int got;

	for (;;) {
		while ((got = stream_next(&p->st, &m, &e)) == 0) {
			ck_assert_msg(poll(&pfd, 1, DEADLINE_S * 1000) == 1,
			    "the daemon neither answers nor closes");
			if (stream_fill(&p->st, &e) != STREAM_GOT)
				return false;
		}
		ck_assert_msg(got == 1, "%s", e.msg);
		if (m.type == MSG_RESPONSE && m.id == id)
			break;
		msg_fini(&m);
	}
	*r = (struct reply){ .msg = m, .fd = -1 };
	return true;
}

/* A request with the id 1.  False: the daemon has closed the connection. */
static bool
sends(struct peer *p, const char *method, const char *params, unsigned v)
{
	struct msg_out o;
	struct err e;
	char *text;

	ck_assert(asprintf(&text, params, v) > 0);
	msg_out_init(&o);
	msg_begin_request(&o, 1, method);
	lit_pack(&o.pk, text);
	free(text);
	return stream_put(&p->st, &o, &e) == 0;
}

static bool
cannot(const char *name)
{
	if (sanitised())
		printf("SKIP memory.%s: cannot make a sanitiser's allocations "
		       "fail\n",
		    name);
	return sanitised();
}

static void
is_told(const struct reply *r)
{
	ck_assert_str_eq(str_at(r, "code"), "busy");
	ck_assert_str_eq(str_at(r, "resource"), "memory");
	ck_assert_int_gt(int_at(r, "retry_ns"), 0);
}

/* One request over a new connection, while the allocations from N on fail, TIMES
 * of them.  Whether none did. */
static bool
is_served(const char *const request[2], unsigned n, unsigned times)
{
	struct reply r;
	struct peer p;
	unsigned met;
	bool heard;

	fault_set(FAULT_DAEMON, FAULT_ALLOC, n, times, ENOMEM);
	peer_open(&p);
	/* Each spawn has another token. */
	heard = sends(&p, request[0], request[1], n * times) &&
	    hears(&p, 1, &r);
	met = fault_clear(FAULT_DAEMON, FAULT_ALLOC);
	ck_assert(heard || met > 0);
	if (heard && has(&r, "code"))
		is_told(&r);
	if (heard)
		msg_fini(&r.msg);
	peer_close(&p);
	return met == 0;
}

/* Once the daemon is warm most kinds of requests allocate nothing; a connection
 * does. */
static void
walk(const char *const request[2], unsigned times)
{
	struct peer p;
	struct reply r;
	unsigned n = 0;
	bool served;

	do {
		served = is_served(request, n, times);
		peer_open(&p);
		ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:echo'}"), 0);
		reply_fini(&r);
		peer_close(&p);
		ck_assert_msg(++n < MOST, "%s: no end", request[0]);
	} while (!served);
	ck_assert_msg(n > 1, "%s: allocates nothing", request[0]);
}

START_TEST(warm)
{
	static const char *const requests[][2] = {
		{ "hello", "{}" },
		{ "status", "{}" },
		{ "templates", "{}" },
		{ "list", "{'all': true}" },
		{ "subscribe", "{}" },
		{ "wait", "{'ids': [1], 'mode': 'all'}" },
		{ "spawn", "{'call': 'jobs:echo'}" },
		{ "spawn",
		    "{'code': 'import _forkserverd as f\\nf.ready(1)',"
		    " 'token': 'x%u', 'ready': 'told', 'title': 't',"
		    " 'capture': {'stdout': true}}" },
	};
	struct peer p;
	struct reply r;

	if (cannot("warm"))
		return;
	fault_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:echo'}"), 0);
	reply_fini(&r);
	peer_close(&p);
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		/* One that fails may be made up for by what is kept for that;
		 * more are not. */
		walk(requests[i], 1);
		if (strcmp(requests[i][0], "spawn") != 0)
			walk(requests[i], 3);
	}
	fault_stop();
}
END_TEST

/* The first request of all, which has nothing that was left by another. */
START_TEST(cold)
{
	static const char *const request[2] = { "spawn",
		"{'call': 'jobs:echo', 'capture': {'stdout': true}}" };
	struct peer p;
	struct reply r;
	unsigned n = 0;
	bool served;

	if (cannot("cold"))
		return;
	do {
		fault_start(NULL);
		served = is_served(request, n, 1);
		peer_open(&p);
		ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:echo'}"), 0);
		reply_fini(&r);
		peer_close(&p);
		fault_stop();
		ck_assert_msg(++n < MOST, "no end");
	} while (!served);
	ck_assert_uint_gt(n, 8);
}
END_TEST

/* A child with a large result ends, while the allocation N fails, and its second
 * try, with what is kept.  Whether none did. */
static bool
ends(struct peer *p, unsigned n, struct told *told)
{
	struct up u = up_start(p, ", 'args': [30000]", "large_at_signal");
	struct reply r;
	unsigned met;

	fault_set(FAULT_DAEMON, FAULT_ALLOC, n, 2, ENOMEM);
	ck_assert_int_eq(kill(u.pid, SIGUSR1), 0);
	/* Nothing happens afterwards, with which it might be told. */
	peer_next(p, &r);
	if (strcmp(r.msg.method, "lost") == 0) {
		ck_assert_int_eq(int_at(&r, "events"), 1);
		told->lost++;
	} else {
		ck_assert_str_eq(r.msg.method, "exited");
	}
	reply_fini(&r);
	met = fault_clear(FAULT_DAEMON, FAULT_ALLOC);
	wait_end(p, u.id, &r);
	if (has(&r, "result_error")) {
		ck_assert_str_eq(str_at(&r, "result_error"),
		    "the daemon had no memory for it");
		ck_assert_int_eq(int_at(&r, "exit_code"), 0);
		told->no_result++;
	}
	reply_fini(&r);
	close(u.out);
	return met == 0;
}

START_TEST(an_end)
{
	struct told told = { 0 };
	struct peer p;
	unsigned n = 0;

	if (cannot("an_end"))
		return;
	fault_start(NULL);
	peer_open(&p);
	/* What the first ones leave is there for the others. */
	for (int i = 0; i < 3; i++)
		ends(&p, MOST, &told);
	ck_assert_uint_eq(told.lost + told.no_result, 0);
	while (!ends(&p, n, &told))
		ck_assert_uint_lt(++n, MOST);
	ck_assert_uint_gt(told.lost, 0);
	/* Where it is packed, and where it is to be kept. */
	ck_assert_uint_ge(told.no_result, 2);
	peer_close(&p);
	fault_stop();
}
END_TEST

static void
limit(rlim_t bytes)
{
	struct rlimit r;

	ck_assert_int_eq(prlimit(live.pid, RLIMIT_AS, NULL, &r), 0);
	r.rlim_cur = bytes;
	ck_assert_int_eq(prlimit(live.pid, RLIMIT_AS, &r, NULL), 0);
}

static rlim_t
address_space(void)
{
	unsigned long pages;
	char path[48];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)live.pid);
	f = fopen(path, "r");
	ck_assert(f != NULL);
	ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Connects until one is not served; how many were. */
static size_t
connect_all(void)
{
	struct reply r;
	bool heard, told;
	size_t n = 0;

	do {
		ck_assert_uint_lt(n, MANY);
		peer_open(&crowd[n]);
		heard = sends(&crowd[n], "ping", "{}", 0) &&
		    hears(&crowd[n], 1, &r);
		told = heard && has(&r, "code");
		if (told)
			is_told(&r);
		if (heard)
			msg_fini(&r.msg);
		n++;
	} while (heard && !told);
	peer_close(&crowd[--n]);
	return n;
}

/* Addresses are used up, and no fault is made. */
START_TEST(addresses)
{
	struct peer p;
	struct reply r;
	size_t n;

	if (cannot("addresses"))
		return;
	live_start("[server]\nmax_clients = 10000\n"
		   "[template.default]\npath = [\"%s\"]\n");
	peer_open(&p);
	ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:echo'}"), 0);
	reply_fini(&r);
	limit(address_space());
	n = connect_all();
	ck_assert_uint_gt(n, 0);
	/* Who is there loses nothing. */
	for (int i = 0; i < 40; i++) {
		ck_assert(hears(&p,
		    peer_send(&p, "spawn", "{'call': 'jobs:echo'}"), &r));
		if (has(&r, "code"))
			is_told(&r);
		msg_fini(&r.msg);
	}
	for (size_t i = 0; i < n; i++)
		peer_close(&crowd[i]);
	limit(RLIM_INFINITY);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(run(&p, &r, "{'call': 'jobs:echo'}"), 0);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { warm, cold, an_end, addresses, NULL };

	return harness_main("memory", tests);
}
