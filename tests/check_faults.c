/*
 * System calls that fail for want of something, in the daemon and in a zygote:
 * who asks is told, and served as soon as they do not fail any more.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault.h"
#include "tests/harness.h"
#include "tests/scratch.h"
#include "tests/standbys.h"
#include "tests/template.h"

/* A fault, what asks for it, and what that is told. */
struct want {
	enum fault_program program;
	enum fault_call call;
	int error;
	const char *params, *resource;
};

static void
is_busy(struct reply *r, const char *resource)
{
	ck_assert_str_eq(str_at(r, "code"), "busy");
	ck_assert_str_eq(str_at(r, "resource"), resource);
	ck_assert_int_gt(int_at(r, "retry_ns"), 0);
	reply_fini(r);
}

static void
serves(struct peer *p, const char *params)
{
	struct reply r;

	ck_assert_int_eq(run(p, &r, "%s", params), 0);
	reply_fini(&r);
}

static void
wants(struct peer *p, const struct want *w)
{
	struct reply r;

	fault_set(w->program, w->call, 0, 1, w->error);
	peer_response(p, peer_send(p, "spawn", "%s", w->params), &r);
	ck_assert_uint_eq(fault_clear(w->program, w->call), 1);
	ck_assert_msg(has(&r, "code"), "%s: served", w->params);
	is_busy(&r, w->resource);
	serves(p, w->params);
}

#define PLAIN "{'call': 'jobs:echo'}"
#define CAPTURED "{'call': 'jobs:echo', 'capture': {'stdout': true}}"
#define NOTIFIED \
	"{'code': 'import os, socket as s\\n" \
	"a = os.environ[\"NOTIFY_SOCKET\"].replace(\"@\", chr(0), 1)\\n" \
	"s.socket(s.AF_UNIX, s.SOCK_DGRAM).sendto(b\"READY=1\", a)'," \
	" 'ready': 'notify'}"

START_TEST(spawns)
{
	static const struct want all[] = {
		{ FAULT_ZYGOTE, FAULT_FORK, ENOMEM, PLAIN, "memory" },
		{ FAULT_ZYGOTE, FAULT_FORK, EAGAIN, PLAIN, "processes" },
		{ FAULT_ZYGOTE, FAULT_EPOLL, ENOSPC, PLAIN, "space" },
		{ FAULT_ZYGOTE, FAULT_EPOLL, ENOMEM, PLAIN, "memory" },
		{ FAULT_DAEMON, FAULT_SOCKETPAIR, ENOMEM, PLAIN, "memory" },
		{ FAULT_DAEMON, FAULT_SOCKETPAIR, ENFILE, PLAIN,
		    "descriptors" },
		{ FAULT_DAEMON, FAULT_PIPE, ENOMEM, CAPTURED, "memory" },
		{ FAULT_DAEMON, FAULT_PIPE, ENFILE, CAPTURED, "descriptors" },
		/* Of what a child says nothing would be heard. */
		{ FAULT_DAEMON, FAULT_EPOLL, ENOSPC, PLAIN, "space" },
		{ FAULT_DAEMON, FAULT_EPOLL, ENOSPC, CAPTURED, "space" },
		{ FAULT_DAEMON, FAULT_EPOLL, ENOSPC, NOTIFIED, "space" },
	};
	struct peer p;

	fault_start(NULL);
	peer_open(&p);
	serves(&p, PLAIN);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		wants(&p, &all[i]);
	peer_close(&p);
	fault_stop();
}
END_TEST

/* For each of a child's descriptors that the kernel is to watch. */
START_TEST(each_watch)
{
	static const char params[] = "{'call': 'jobs:echo', 'capture':"
				     " {'stdout': true, 'stderr': true}}";
	struct reply r;
	struct peer p;
	uint64_t id;
	unsigned n = 0;

	fault_start(NULL);
	peer_open(&p);
	serves(&p, PLAIN);
	for (;; n++) {
		fault_set(FAULT_DAEMON, FAULT_EPOLL, n, 1, ENOSPC);
		peer_response(&p, peer_send(&p, "spawn", "%s", params), &r);
		if (fault_clear(FAULT_DAEMON, FAULT_EPOLL) == 0)
			break;
		is_busy(&r, "space");
		serves(&p, params);
	}
	ck_assert_uint_eq(n, 3); /* of the control socket, and two pipes */
	id = (uint64_t)int_at(&r, "id");
	reply_fini(&r);
	wait_end(&p, id, &r);
	reply_fini(&r);
	peer_close(&p);
	fault_stop();
}
END_TEST

/* Nobody can be heard who is not watched; he is told all the same. */
START_TEST(connections)
{
	struct peer p;
	struct reply r;
	uint32_t id;

	fault_start(NULL);
	for (unsigned times = 1; times < 1000; times *= 100) {
		fault_set(FAULT_DAEMON, FAULT_EPOLL, 0, times, ENOSPC);
		peer_open(&p);
		id = peer_send(&p, "ping", "{}");
		peer_response(&p, id, &r);
		fault_clear(FAULT_DAEMON, FAULT_EPOLL);
		is_busy(&r, "space");
		peer_closed(&p);
		peer_close(&p);
	}
	/* That its process has ended is told by its connection, too. */
	fault_set(FAULT_DAEMON, FAULT_EPOLL, 1, 1, ENOSPC);
	peer_open(&p);
	serves(&p, PLAIN);
	ck_assert_uint_eq(fault_clear(FAULT_DAEMON, FAULT_EPOLL), 1);
	peer_close(&p);
	fault_stop();
}
END_TEST

/* Of one that is not watched nothing would be heard, and no timeout is near:
 * another one is made. */
START_TEST(standbys)
{
	pid_t pids[STANDBYS_MAX];
	struct peer p;
	struct reply r;

	fault_start_standbys("[template.default]\npath = [\"%s\"]\n"
			     "canary_timeout = 3600.0\n");
	peer_open(&p);
	ck_assert_uint_eq(standby_pids(&p, pids), 2);
	fault_set(FAULT_DAEMON, FAULT_EPOLL, 0, 1, ENOSPC);
	ck_assert_int_eq(kill(pids[0], SIGKILL), 0);
	/* Each is a turn of the daemon's loop. */
	while (fault_seen(FAULT_DAEMON, FAULT_EPOLL) == 0)
		ck_assert_int_gt(standby_value(&p, "standby.ready"), 0);
	standby_until(&p, "standby.ready", 2);
	ck_assert_uint_eq(fault_clear(FAULT_DAEMON, FAULT_EPOLL), 1);
	ck_assert_int_eq(run(&p, &r, PLAIN), 0);
	ck_assert_str_eq(str_at(&r, "start"), "standby");
	reply_fini(&r);
	peer_close(&p);
	fault_stop();
}
END_TEST

static void
hears(struct peer *p, const char *state)
{
	struct reply r;
	bool is;

	do {
		peer_event(p, "template", &r);
		is = strcmp(str_at(&r, "state"), state) == 0;
		reply_fini(&r);
	} while (!is);
}

/* Another one cannot be made at once, and is tried for again without being asked
 * for. */
static void
loses_zygote(enum fault_call call, int error, const char *why)
{
	struct peer p;
	struct reply r;

	fault_start(NULL);
	peer_open(&p);
	ask(&p, &r, "subscribe", "{}");
	reply_fini(&r);
	fault_set(FAULT_DAEMON, call, 0, 1, error);
	ck_assert_int_eq(kill((pid_t)template_int(&p, "default", "pid"),
			     SIGKILL),
	    0);
	do {
		peer_event(&p, "template", &r);
		if (strcmp(str_at(&r, "state"), "failed") == 0)
			break;
		reply_fini(&r);
	} while (true);
	ck_assert_str_eq(str_at(&r, "error.code"), "template_failed");
	ck_assert_msg(strstr(str_at(&r, "error.message"), why) != NULL, "%s",
	    str_at(&r, "error.message"));
	ck_assert_int_gt(int_at(&r, "retry_ns"), 0);
	reply_fini(&r);
	hears(&p, "ready");
	ck_assert_uint_eq(fault_clear(FAULT_DAEMON, call), 1);
	serves(&p, PLAIN);
	peer_close(&p);
	fault_stop();
}

START_TEST(zygotes)
{
	loses_zygote(FAULT_FORK, ENOMEM, "Cannot allocate memory");
	loses_zygote(FAULT_FORK, EAGAIN, "temporarily unavailable");
	loses_zygote(FAULT_SOCKETPAIR, ENFILE, "open files");
	loses_zygote(FAULT_EPOLL, ENOSPC, "max_user_watches");
}
END_TEST

/* A generation that cannot be made leaves the one before it. */
START_TEST(reloads)
{
	struct peer p;
	struct reply r;

	fault_start(NULL);
	peer_open(&p);
	fault_set(FAULT_DAEMON, FAULT_FORK, 0, 1, ENOMEM);
	ask(&p, &r, "reload", "{'template': 'default'}");
	ck_assert_uint_eq(fault_clear(FAULT_DAEMON, FAULT_FORK), 1);
	ck_assert_str_eq(str_at(&r, "templates.0.error.code"),
	    "template_failed");
	ck_assert_int_eq(int_at(&r, "templates.0.serves"), 1);
	reply_fini(&r);
	serves(&p, PLAIN);
	ask(&p, &r, "reload", "{'template': 'default'}");
	ck_assert(!has(&r, "templates.0.error"));
	reply_fini(&r);
	serves(&p, PLAIN);
	peer_close(&p);
	fault_stop();
}
END_TEST

static void
edit(const char *path, int v)
{
	FILE *f = fopen(path, "w");

	ck_assert(f != NULL);
	fprintf(f, "def which():\n    return %d\n", v);
	ck_assert_int_eq(fclose(f), 0);
}

/* The kernel has no watches left: it is told what is not seen. */
START_TEST(watches)
{
	const char *dir = mkdtemp(scratch("check"));
	char *config, *module;
	const char *told;
	struct peer p;
	struct reply r;

	ck_assert(dir != NULL);
	ck_assert(asprintf(&module, "%s/edited.py", dir) > 0);
	edit(module, 1);
	ck_assert(asprintf(&config,
		      "[template.default]\npath = [\"%%s\", \"%s\"]\n"
		      "preload = [\"trio\", \"jobs\", \"edited\"]\n"
		      "watch = true\n",
		      dir) > 0);
	fault_start(config);
	peer_open(&p);
	ask(&p, &r, "subscribe", "{}");
	reply_fini(&r);
	fault_set(FAULT_ZYGOTE, FAULT_INOTIFY, 0, 1000, ENOSPC);
	ask(&p, &r, "reload", "{'template': 'default'}");
	reply_fini(&r);
	ck_assert_uint_gt(fault_clear(FAULT_ZYGOTE, FAULT_INOTIFY), 1);
	told = template_str(&p, "default", "warnings.0");
	ck_assert_msg(strncmp(told, "watch: ", 7) == 0 &&
		strstr(told, "max_user_watches") != NULL,
	    "%s", told);
	serves(&p, PLAIN);
	ask(&p, &r, "reload", "{'template': 'default'}");
	reply_fini(&r);
	ck_assert_str_eq(template_str(&p, "default", "warnings.0"), "");
	edit(module, 22);
	while (template_int(&p, "default", "generation") < 4)
		hears(&p, "ready");
	ck_assert_int_eq(run(&p, &r, "{'call': 'edited:which'}"), 0);
	ck_assert_int_eq(int_at(&r, "result"), 22);
	reply_fini(&r);
	peer_close(&p);
	fault_stop();
	unlink(module);
	rmdir(dir);
	free(module);
	free(config);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { spawns, each_watch, connections,
		standbys, zygotes, reloads, watches, NULL };

	return harness_main("faults", tests);
}
