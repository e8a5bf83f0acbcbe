/*
 * Reload: what changes is made anew while the old serves, and nobody notices.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/template.h"
#include "tests/up.h"

#define CLIENTS 8

/* The default template; each text is another preload. */
#define WITH(preload) \
	"[template.default]\npath = [\"%s\"]\n" \
	"preload = [\"trio\", \"jobs\"" preload "]\n"

/* The map of the only template that a reload told of. */
static void
reloaded(struct peer *p, const char *change, uint64_t generation)
{
	struct reply r;

	ask(p, &r, "reload", "{}");
	ck_assert_uint_eq(at(&r, "templates")->via.array.size, 1);
	ck_assert_str_eq(str_at(&r, "templates.0.change"), change);
	ck_assert(!has(&r, "templates.0.error"));
	if (generation != 0)
		ck_assert_int_eq(int_at(&r, "templates.0.generation"),
		    (int64_t)generation);
	reply_fini(&r);
}

/* In a process of its own: child after child, each one's generation to OUT,
 * until STOP ends. */
static _Noreturn void
client(int out, int stop)
{
	struct pollfd end = { .fd = stop, .events = POLLIN };
	struct reply r;
	struct peer p;
	char generation;

	peer_open(&p);
	while (poll(&end, 1, 0) == 0) {
		ck_assert_int_eq(run(&p, &r,
				     "{'call': 'jobs:trio_echo', 'args': [1]}"),
		    0);
		ck_assert_int_eq(int_at(&r, "result.0"), 1);
		generation = (char)int_at(&r, "generation");
		reply_fini(&r);
		ck_assert_int_eq(write(out, &generation, 1), 1);
	}
	peer_close(&p);
	_exit(0);
}

struct crowd {
	pid_t pids[CLIENTS];
	int out[CLIENTS], stop;
};

static void
crowd_start(struct crowd *c)
{
	int stop[2], out[2];

	ck_assert_int_eq(pipe(stop), 0);
	for (int i = 0; i < CLIENTS; i++) {
		ck_assert_int_eq(pipe(out), 0);
		c->pids[i] = fork();
		ck_assert_int_ne(c->pids[i], -1);
		if (c->pids[i] == 0) {
			close(stop[1]);
			client(out[1], stop[0]);
		}
		close(out[1]);
		c->out[i] = out[0];
	}
	close(stop[0]);
	c->stop = stop[1];
}

/* Until each has had a child of GENERATION. */
static void
crowd_sees(struct crowd *c, char generation)
{
	char got;

	for (int i = 0; i < CLIENTS; i++)
		do {
			struct pollfd w = { .fd = c->out[i], .events = POLLIN };

			ck_assert_int_eq(poll(&w, 1, DEADLINE_S * 1000), 1);
			ck_assert_int_eq(read(c->out[i], &got, 1), 1);
			ck_assert_int_le(got, generation);
		} while (got != generation);
}

static void
crowd_stop(struct crowd *c)
{
	int status;

	close(c->stop);
	for (int i = 0; i < CLIENTS; i++) {
		ck_assert_int_eq(waitpid(c->pids[i], &status, 0), c->pids[i]);
		ck_assert_int_eq(status, 0);
		close(c->out[i]);
	}
}

START_TEST(nobody_notices)
{
	struct crowd c;
	struct peer p;
	struct up u;
	pid_t old;

	live_start_standbys(WITH(""));
	peer_open(&p);
	old = template_int(&p, "default", "pid");
	u = up_start(&p, "", "hang");
	crowd_start(&c);
	crowd_sees(&c, 1);
	live_configure(WITH(", \"csv\""));
	reloaded(&p, "renewed", 2);
	crowd_sees(&c, 2);
	live_configure(WITH(", \"csv\", \"no_such_module\""));
	{
		struct reply r;

		ask(&p, &r, "reload", "{}");
		ck_assert(has(&r, "templates.0.error"));
		reply_fini(&r);
	}
	live_configure(WITH(", \"csv\", \"json\""));
	reloaded(&p, "renewed", 4);
	crowd_sees(&c, 4);
	crowd_stop(&c);
	/* The child of the first generation has kept its zygote. */
	ck_assert_int_eq(kill(old, 0), 0);
	ck_assert_int_eq(kill(u.pid, 0), 0);
	ck_assert_int_eq(template_int(&p, "default", "children"), 1);
	struct reply r;
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	ck_assert(has(&r, "rusage"));
	reply_fini(&r);
	process_reaped(old);
	close(u.out);
	live_standbys_full();
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(a_failure_keeps_the_old_one)
{
	struct peer p;
	struct reply r;

	live_start(WITH(""));
	peer_open(&p);
	live_configure(WITH(", \"no_such_module\""));
	ask(&p, &r, "reload", "{}");
	ck_assert_str_eq(str_at(&r, "templates.0.name"), "default");
	ck_assert_str_eq(str_at(&r, "templates.0.change"), "renewed");
	ck_assert_int_eq(int_at(&r, "templates.0.generation"), 2);
	ck_assert_int_eq(int_at(&r, "templates.0.serves"), 1);
	ck_assert_str_eq(str_at(&r, "templates.0.error.code"),
	    "template_failed");
	ck_assert_str_eq(str_at(&r, "templates.0.error.key"),
	    "template.default.preload[2]");
	ck_assert_str_eq(str_at(&r, "templates.0.error.module"),
	    "no_such_module");
	ck_assert(has(&r, "templates.0.error.traceback"));
	reply_fini(&r);
	ck_assert_str_eq(template_str(&p, "default", "state"), "ready");
	ck_assert_int_eq(template_int(&p, "default", "generation"), 1);
	ck_assert_int_eq(template_int(&p, "default", "failed.generation"), 2);
	ck_assert_str_eq(template_str(&p, "default", "failed.error.module"),
	    "no_such_module");
	template_echo(&p, "");
	/* It is tried again, also where the file is as before the failure. */
	live_configure(WITH(""));
	reloaded(&p, "renewed", 3);
	ck_assert_str_eq(template_str(&p, "default", "failed.error.module"),
	    "");
	template_echo(&p, "");
	peer_close(&p);
	live_stop();
}
END_TEST

static void
refused_at(struct peer *p, const char *text, const char *where)
{
	char *told;
	struct reply r;

	live_configure(text);
	peer_response(p, peer_send(p, "reload", "{}"), &r);
	ck_assert_str_eq(str_at(&r, "code"), "invalid_params");
	ck_assert(asprintf(&told, "%s%s", live.config, where) > 0);
	ck_assert_msg(strstr(str_at(&r, "message"), told) != NULL, "%s",
	    str_at(&r, "message"));
	free(told);
	reply_fini(&r);
}

START_TEST(a_wrong_file_changes_nothing)
{
	struct peer p;
	struct reply r;

	live_start(WITH(""));
	peer_open(&p);
	refused_at(&p, WITH("") "\nmode = \n", ":5:8: ");
	refused_at(&p,
	    "[template.new]\n\n" WITH("") "# a list\nallow = [\n"
					  "  \"everything\"]\n",
	    ":7: template.default.allow: ");
	refused_at(&p, "[template.new]\n[server]\nnone = 1\n",
	    ":3: server.none: ");
	ck_assert_int_eq(unlink(live.config), 0);
	peer_response(&p, peer_send(&p, "reload", "{}"), &r);
	ck_assert_str_eq(str_at(&r, "code"), "invalid_params");
	reply_fini(&r);
	ask(&p, &r, "templates", "{}");
	ck_assert_uint_eq(at(&r, "templates")->via.array.size, 1);
	ck_assert_int_eq(int_at(&r, "templates.0.generation"), 1);
	reply_fini(&r);
	live_configure(WITH(""));
	ask(&p, &r, "reload", "{}");
	ck_assert_uint_eq(at(&r, "templates")->via.array.size, 0);
	ck_assert_uint_eq(at(&r, "restart")->via.array.size, 0);
	reply_fini(&r);
	template_echo(&p, "");
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(templates_come_and_go)
{
	struct peer p, q;
	struct reply r;
	struct up u;
	pid_t zygote;

	live_start(WITH("") "[template.old]\npath = [\"%s\"]\n");
	peer_open(&p);
	peer_open(&q);
	ask(&q, &r, "subscribe", "{}");
	reply_fini(&r);
	zygote = template_int(&p, "old", "pid");
	u = up_start(&p, ", 'template': 'old'", "hang");
	live_configure(WITH("") "[template.fresh]\npath = [\"%s\"]\n"
				"[template.later]\nstart = \"demand\"\n");
	ask(&p, &r, "reload", "{}");
	ck_assert_uint_eq(at(&r, "templates")->via.array.size, 3);
	ck_assert_str_eq(str_at(&r, "templates.0.name"), "old");
	ck_assert_str_eq(str_at(&r, "templates.0.change"), "removed");
	ck_assert_str_eq(str_at(&r, "templates.1.name"), "fresh");
	ck_assert_str_eq(str_at(&r, "templates.1.change"), "added");
	ck_assert_int_eq(int_at(&r, "templates.1.generation"), 1);
	ck_assert_str_eq(str_at(&r, "templates.2.name"), "later");
	ck_assert(!has(&r, "templates.2.generation"));
	reply_fini(&r);
	do {
		peer_event(&q, "template", &r);
		bool gone = strcmp(str_at(&r, "state"), "removed") == 0;
		ck_assert(!gone || strcmp(str_at(&r, "name"), "old") == 0);
		reply_fini(&r);
		if (gone)
			break;
	} while (true);
	template_echo(&p, ", 'template': 'fresh'");
	refused(&p, "unknown_template", "template", "spawn",
	    "{'template': 'old', 'code': 'pass'}");
	/* Its child lives on, and its zygote with it. */
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)u.id);
	ck_assert_str_eq(str_at(&r, "template"), "old");
	ck_assert_str_eq(str_at(&r, "state"), "running");
	reply_fini(&r);
	ck_assert_int_eq(kill(zygote, 0), 0);
	ask(&p, &r, "cancel", "{'id': %ju}", (uintmax_t)u.id);
	reply_fini(&r);
	wait_end(&p, u.id, &r);
	ck_assert_str_eq(str_at(&r, "template"), "old");
	ck_assert(has(&r, "rusage"));
	reply_fini(&r);
	process_reaped(zygote);
	close(u.out);
	peer_close(&q);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { nobody_notices,
		a_failure_keeps_the_old_one, a_wrong_file_changes_nothing,
		templates_come_and_go, NULL };

	return harness_main("reload", tests);
}
