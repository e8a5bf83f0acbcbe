/*
 * Templates: what one has, what it waits for, and preloads that misbehave: each
 * costs its template only, and clients hear why.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/scratch.h"
#include "tests/template.h"

static const char several[] =
    "[template.default]\npath = [\"%s\"]\npreload = [\"trio\", \"jobs\"]\n"
    "[template.raises]\npath = [\"%s\"]\npreload = [\"raises_at_import\"]\n"
    "[template.exits]\npath = [\"%s\"]\npreload = [\"exits_at_import\"]\n"
    "[template.crashes]\npath = [\"%s\"]\npreload = [\"crashes_at_import\"]\n"
    "start = \"demand\"\n"
    "[template.hangs]\npath = [\"%s\"]\npreload = [\"hangs_at_import\"]\n"
    "preload_timeout = 3.0\nstart = \"demand\"\n"
    "[template.thread]\npath = [\"%s\"]\npreload = [\"leaves_thread\"]\n"
    "[template.absent]\npreload = [\"no_such_module\"]\n";

static void
check_failed(struct peer *p, const char *name, const char *told,
    const char *module)
{
	ck_assert_str_eq(template_str(p, name, "state"), "failed");
	ck_assert_int_ge(template_int(p, name, "retry_ns"), 0);
	ck_assert_str_eq(template_str(p, name, "error.code"),
	    "template_failed");
	ck_assert(strstr(template_str(p, name, "error.message"), told) != NULL);
	ck_assert_str_eq(template_str(p, name, "error.module"), module);
}

START_TEST(bad_preloads_cost_their_template_only)
{
	static const struct {
		const char *name, *module, *told;
		bool rests; /* until the next spawn */
	} bad[] = {
		{ "raises", "raises_at_import", "not today", false },
		{ "exits", "exits_at_import", "SystemExit", false },
		{ "crashes", "crashes_at_import", "signal 11", true },
		{ "hangs", "hangs_at_import", "longer than", true },
		{ "thread", NULL, "thread", false },
		{ "absent", "no_such_module", "ModuleNotFoundError", false },
	};
	struct peer p;
	struct reply r;

	live_start(several);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint32_t id = peer_send(&p, "spawn",
		    "{'template': '%s', 'code': 'pass'}", bad[i].name);

		peer_response(&p, id, &r);
		ck_assert_str_eq(str_at(&r, "code"), "template_failed");
		ck_assert_str_eq(str_at(&r, "template"), bad[i].name);
		ck_assert_msg(strstr(str_at(&r, "message"), bad[i].told) !=
			NULL,
		    "%s: %s", bad[i].name, str_at(&r, "message"));
		if (bad[i].module != NULL)
			ck_assert_str_eq(str_at(&r, "module"), bad[i].module);
		if (i == 0)
			ck_assert(strstr(str_at(&r, "traceback"),
				      "raises_at_import.py") != NULL);
		ck_assert_int_ge(int_at(&r, "retry_ns"), 0);
		reply_fini(&r);
		ck_assert_int_ge(template_int(&p, bad[i].name, "failures"), 1);
		if (bad[i].rests)
			check_failed(&p, bad[i].name, bad[i].told,
			    bad[i].module);
		template_echo(&p, "");
	}
	refused(&p, "unknown_template", NULL, "spawn",
	    "{'template': 'nosuch', 'code': 'pass'}");
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(cold_starts)
{
	struct peer p;
	struct reply r;
	uint32_t id;

	live_start("[template.default]\npath = [\"%s\"]\n"
		   "preload = [\"trio\", \"jobs\"]\n[template.raises]\n"
		   "path = [\"%s\"]\npreload = [\"raises_at_import\"]\n"
		   "start = \"demand\"\n");
	peer_open(&p);
	ask(&p, &r, "spawn", "{'call': 'jobs:echo', 'start': 'cold'}");
	ck_assert_str_eq(str_at(&r, "start"), "cold");
	ck_assert(bool_at(&r, "promoted"));
	ck_assert_int_ge(int_at(&r, "interpreter"), 1);
	reply_fini(&r);
	template_echo(&p, ", 'start': 'cold'");
	template_echo(&p, ", 'start': 'warm'");
	/* It has the preloads, though it asks for none of them. */
	ck_assert_int_eq(run(&p, &r,
			     "{'start': 'cold', 'code': 'import sys; "
			     "sys.exit(\"jobs\" in sys.modules)'}"),
	    1);
	reply_fini(&r);
	live.baseline += 2; /* the sockets of two cold zygotes */
	id = peer_send(&p, "spawn",
	    "{'template': 'raises', 'code': 'pass', 'start': 'cold'}");
	peer_response(&p, id, &r);
	ck_assert_str_eq(str_at(&r, "code"), "template_failed");
	ck_assert(strstr(str_at(&r, "message"), "not today") != NULL);
	ck_assert(strstr(str_at(&r, "traceback"), "raises_at_import.py") !=
	    NULL);
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(settings_of_a_template)
{
	struct peer p;
	struct reply r;

	live_start("[template.default]\npreload = [\"trio\"]\n"
		   "[template.lazy]\nstart = \"demand\"\npath = [\"%s\"]\n"
		   "preload = [\"jobs\"]\nenv = { COLOUR = \"blue\" }\n");
	peer_open(&p);
	ck_assert_str_eq(template_str(&p, "lazy", "state"), "idle");
	/* How its children will start is not known yet. */
	ck_assert_str_eq(template_str(&p, "lazy", "way"), "");
	live.baseline += 1; /* the socket of its zygote */
	/* Its environment is the children's, where a spawn gives none. */
	ck_assert_int_eq(run(&p, &r,
			     "{'template': 'lazy', 'call': "
			     "'os:getenv', 'args': ['COLOUR']}"),
	    0);
	ck_assert_str_eq(str_at(&r, "result"), "blue");
	reply_fini(&r);
	ck_assert_int_eq(run(&p, &r,
			     "{'template': 'lazy', 'call': "
			     "'os:getenv', 'args': ['COLOUR'], 'env': {}}"),
	    0);
	ck_assert_int_eq(at(&r, "result")->type, MSGPACK_OBJECT_NIL);
	reply_fini(&r);
	ck_assert_str_eq(template_str(&p, "lazy", "state"), "ready");
	ck_assert_str_eq(template_str(&p, "lazy", "way"), "promoted");
	ck_assert_str_eq(template_str(&p, "lazy", "preload.0.module"), "jobs");
	ck_assert_int_ge(template_int(&p, "lazy", "preload.0.import_ns"), 1);
	peer_close(&p);
	live_stop();
}
END_TEST

static void
shell(const char *command, const char *dir)
{
	char text[256];

	snprintf(text, sizeof(text), command, dir);
	ck_assert_int_eq(system(text), 0);
}

/* A module that stays in its import until the test lets it go on; that the
 * template's environment and path are there at import time. */
START_TEST(spawns_wait_for_their_template)
{
	char *dir = scratch("gate"), config[512], fifo[80];
	struct peer p;
	struct reply r;
	FILE *f;

	ck_assert(mkdtemp(dir) != NULL);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	shell("echo 'import os; SEEN = open(os.environ[\"GATE\"]).read()'"
	      " > %s/gate.py",
	    dir);
	snprintf(config, sizeof(config),
	    "[template.default]\npreload = []\n[template.gated]\n"
	    "start = \"demand\"\npath = [\"%s\"]\npreload = [\"gate\"]\n"
	    "env = { GATE = \"%s\" }\n",
	    dir, fifo);
	live_start(config);
	peer_open(&p);
	live.baseline += 1; /* the socket of its zygote */
	for (int i = 0; i < 5; i++)
		peer_send(&p, "spawn",
		    "{'template': 'gated', 'code': 'import gate; "
		    "assert gate.SEEN == \"open\"'}");
	/* It can't get ready as yet, and nobody else waits for it. */
	ck_assert_str_eq(template_str(&p, "gated", "state"), "starting");
	ck_assert_int_eq(template_int(&p, "gated", "children"), 5);
	ck_assert_int_eq(run(&p, &r, "{'code': 'pass'}"), 0);
	reply_fini(&r);
	ask(&p, &r, "inspect", "{'id': 1}");
	ck_assert_str_eq(str_at(&r, "state"), "queued");
	ck_assert_int_eq(int_at(&r, "pid"), 0);
	reply_fini(&r);
	f = fopen(fifo, "w");
	ck_assert(f != NULL && fputs("open", f) >= 0 && fclose(f) == 0);
	/* Each of the five is told of its child's end. */
	for (int i = 0; i < 5; i++) {
		peer_event(&p, "exited", &r);
		ck_assert_str_eq(str_at(&r, "template"), "gated");
		ck_assert_int_eq(int_at(&r, "generation"), 1);
		ck_assert_int_eq(int_at(&r, "exit_code"), 0);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
	shell("rm -r %s", dir);
}
END_TEST

int
main(void)
{
	/* It is about forks. */
	unsetenv("FORKSERVERD_STANDBYS");
	const TTest *const tests[] = { bad_preloads_cost_their_template_only,
		cold_starts, settings_of_a_template,
		spawns_wait_for_their_template, NULL };

	return harness_main("template", tests);
}
