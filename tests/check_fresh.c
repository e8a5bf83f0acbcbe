/*
 * Freshness: a template is made anew when what it was made from has changed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/scratch.h"
#include "tests/standbys.h"
#include "tests/template.h"
#include "tests/up.h"

static char dir[64], packages[96], module[96];

static void
write_to(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert(f != NULL);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* TEXT is what the template is made from. */
static void
start_of(struct peer *p, const char *text)
{
	struct reply r;
	char *config;

	strcpy(dir, scratch("fresh"));
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(packages, sizeof(packages), "%s/site-packages", dir);
	snprintf(module, sizeof(module), "%s/edited.py", dir);
	ck_assert_int_eq(mkdir(packages, 0700), 0);
	write_to(module, text);
	ck_assert(asprintf(&config,
		      "[template.default]\npath = [\"%%s\", \"%s\", \"%s\"]\n"
		      "preload = [\"trio\", \"jobs\", \"edited\"]\n"
		      "watch = true\n",
		      dir, packages) > 0);
	live_start(config);
	free(config);
	peer_open(p);
	ask(p, &r, "subscribe", "{}");
	reply_fini(&r);
}

static void
start(struct peer *p)
{
	start_of(p, "def which():\n    return 1\n");
}

static void
remove_dir(void)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
stop(struct peer *p)
{
	peer_close(p);
	live_stop();
	remove_dir();
}

/* Waits for an event that tells of GENERATION under KEY. */
static void
hears(struct peer *p, const char *key, int64_t generation)
{
	bool there;
	struct reply r;

	do {
		peer_event(p, "template", &r);
		there = has(&r, key) && int_at(&r, key) >= generation;
		reply_fini(&r);
	} while (!there);
}

static int
which(struct peer *p)
{
	struct reply r;
	int v;

	ck_assert_int_eq(run(p, &r, "{'call': 'edited:which'}"), 0);
	v = (int)int_at(&r, "result");
	reply_fini(&r);
	return v;
}

START_TEST(an_edit_is_served)
{
	struct reply r;
	struct peer p;
	char *other;
	uint64_t id;

	start(&p);
	ck_assert_int_eq(which(&p), 1);
	id = spawn(&p, "{'call': 'jobs:hang'}");
	write_to(module, "def which():\n    return 22\n");
	hears(&p, "generation", 2);
	ck_assert_int_eq(which(&p), 22);
	/* As editors do: another file takes its place. */
	ck_assert(asprintf(&other, "%s.new", module) > 0);
	write_to(other, "def which():\n    return 333\n");
	ck_assert_int_eq(rename(other, module), 0);
	free(other);
	hears(&p, "generation", 3);
	ck_assert_int_eq(which(&p), 333);
	ask(&p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	ck_assert_int_eq(int_at(&r, "generation"), 1);
	ck_assert_int_gt(int_at(&r, "generation_age_ns"), 0);
	reply_fini(&r);
	ck_assert_int_gt(template_int(&p, "default", "age_ns"), 0);
	stop(&p);
}
END_TEST

START_TEST(a_wrong_edit_is_not)
{
	struct peer p;

	start(&p);
	write_to(module, "def which(:\n");
	hears(&p, "failed.generation", 2);
	ck_assert_int_eq(which(&p), 1);
	ck_assert_str_eq(template_str(&p, "default", "failed.error.module"),
	    "edited");
	write_to(module, "def which():\n    return 4444\n");
	hears(&p, "generation", 3);
	ck_assert_int_eq(which(&p), 4444);
	stop(&p);
}
END_TEST

START_TEST(packages_come_and_go)
{
	struct peer p;
	char *path;

	start(&p);
	ck_assert(asprintf(&path, "%s/new-1.0.dist-info", packages) > 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	hears(&p, "generation", 2);
	ck_assert_int_eq(rmdir(path), 0);
	hears(&p, "generation", 3);
	free(path);
	ck_assert(asprintf(&path, "%s/more.pth", packages) > 0);
	write_to(path, "/nowhere\n");
	hears(&p, "generation", 4);
	free(path);
	ck_assert_int_eq(which(&p), 1);
	stop(&p);
}
END_TEST

/* Root's daemons serve what was asked for. */
START_TEST(by_default)
{
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	ask(&p, &r, "templates", "{}");
	ck_assert(bool_at(&r, "templates.0.watch") == (geteuid() != 0));
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

/* The daemon is dead, and the zygote is there only to kill whom it leased. */
START_TEST(nobody_wants_to_know)
{
	struct peer p;
	struct up u;
	pid_t zygote;
	int status;

	start_of(&p,
	    "import importlib, pathlib\n"
	    "for n in range(300):\n"
	    "    pathlib.Path(__file__).with_name(f'm{n}.py').touch()\n"
	    "    importlib.import_module(f'm{n}')\n");
	u = up_start(&p, ", 'grace_ns': 1000000000", "deaf");
	zygote = template_int(&p, "default", "pid");
	standby_stop(zygote);
	ck_assert_int_eq(kill(live.pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(live.pid, &status, 0), live.pid);
	write_to(module, "def which():\n    return 2\n");
	ck_assert_int_eq(kill(zygote, SIGCONT), 0);
	ck_assert_str_eq(read_text(u.out, false), "");
	close(u.out);
	live_no_process();
	peer_close(&p);
	remove_dir();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { an_edit_is_served, a_wrong_edit_is_not,
		packages_come_and_go, by_default, nobody_wants_to_know, NULL };

	return harness_main("fresh", tests);
}
