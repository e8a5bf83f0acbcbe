#include "daemon/zygote/doctor/doctor.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/zygote/doctor/audit.h"
#include "daemon/zygote/doctor/audit_config.h"
#include "daemon/zygote/doctor/experiment.h"
#include "daemon/zygote/doctor/trial.h"
#include "daemon/zygote/doctor/verdict.h"
#include "daemon/zygote/interp.h"

#define LIMIT_S 60 /* a scenario takes a second or two */

static struct {
	const char *scenario, *path, *config;
	bool audit, json, list;
	uint64_t limit_ns;
	char **modules; /* NULL-terminated, maybe empty */
	unsigned good, all;
} d;

static int
misused(const char *what, const char *word)
{
	fprintf(stderr, "doctor: %s \"%s\"\n", what, word);
	return DOCTOR_USAGE;
}

/* --- the list ------------------------------------------------------------- */

static void
list_one(const struct experiment *x)
{
	printf("  %-27s", x->name);
	for (const char *const *m = x->modes; *m != NULL; m++)
		printf("%s%s", m == x->modes ? "" : ", ", *m);
	printf("\n      %s\n", x->about);
}

static void
list(void)
{
	puts("Scenarios, and the modes in which each is run:");
	for (const struct experiment *const *x = scenarios; *x != NULL; x++)
		list_one(*x);
	puts("\nConstraints that --audit looks for:");
	for (const struct experiment *const *x = audits; *x != NULL; x++)
		list_one(*x);
	list_one(&audit_module);
}

/* --- trials --------------------------------------------------------------- */

static void
try_scenario(const struct experiment *x)
{
	struct setting s = { .path = d.path };
	struct trial t;

	for (const char *const *m = x->modes; *m != NULL; m++) {
		s.mode = *m;
		trial_run(&t, x, &s, d.limit_ns);
		verdict_scenario(d.json, x, &s, &t);
		d.good += t.answer == TRIAL_YES;
		d.all++;
	}
}

static int
try_scenarios(void)
{
	const struct experiment *one = NULL;

	if (d.scenario != NULL) {
		one = experiment_find(scenarios, d.scenario);
		if (one == NULL)
			return misused("no scenario (see --list)", d.scenario);
	}
	verdict_begin(d.json, "scenarios");
	if (one != NULL)
		try_scenario(one);
	for (const struct experiment *const *x = scenarios;
	    one == NULL && *x != NULL; x++)
		try_scenario(*x);
	verdict_end(d.json, "as expected", d.good, d.all);
	return d.good == d.all ? 0 : 1;
}

/* WANTED: it was asked for, so that it must be there. */
static void
audit_one(const struct experiment *x, const char *module, const char *path,
    bool wanted)
{
	struct setting s = { .path = path, .module = module };
	struct trial t;

	for (const char *const *m = x->modes; *m != NULL; m++) {
		s.mode = *m;
		trial_run(&t, x, &s, d.limit_ns);
		if (!wanted && t.answer == TRIAL_UNKNOWN &&
		    strcmp(t.found, AUDIT_NO_MODULE) == 0)
			return;
		verdict_audit(d.json, x, &s, &t);
		d.good += t.answer != TRIAL_UNKNOWN;
		d.all++;
	}
}

static void
audit_preload(const char *module, const char *path)
{
	char *both = NULL;

	if (d.path == NULL)
		audit_one(&audit_module, module, path, true);
	else if (asprintf(&both, "%s%s%s", d.path, path[0] != '\0' ? ":" : "",
		     path) != -1)
		audit_one(&audit_module, module, both, true);
	free(both);
}

static int
audit_modules_asked(struct err *e)
{
	const bool named = d.config != NULL || d.modules[0] != NULL;

	for (char **m = d.modules; *m != NULL; m++)
		audit_one(&audit_module, *m, d.path, true);
	for (const char *const *m = audit_modules; !named && *m != NULL; m++)
		audit_one(&audit_module, *m, d.path, false);
	return d.config != NULL ?
	    audit_config_each(d.config, audit_preload, e) :
	    0;
}

static int
audit(void)
{
	struct err e;

	verdict_begin(d.json, "constraints");
	for (const struct experiment *const *x = audits; *x != NULL; x++)
		audit_one(*x, NULL, d.path, true);
	if (audit_modules_asked(&e) == -1) {
		fprintf(stderr, "doctor: %s\n", e.msg);
		d.all++; /* one that was not found out */
	}
	if (!d.json)
		putchar('\n');
	verdict_end(d.json, "found out", d.good, d.all);
	return d.good == d.all ? 0 : 1;
}

/* --- the command line ----------------------------------------------------- */

static int
read_limit(const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end != '\0' || !(s > 0 && s <= 86400))
		return -1;
	d.limit_ns = (uint64_t)(s * 1e9);
	return 0;
}

static int
read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "audit", no_argument, NULL, 'a' },
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "limit", required_argument, NULL, 'm' },
		{ "list", no_argument, NULL, 'l' },
		{ "path", required_argument, NULL, 'p' },
		{ "scenario", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	d.limit_ns = LIMIT_S * UINT64_C(1000000000);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'a')
			d.audit = true;
		else if (c == 'c')
			d.config = optarg;
		else if (c == 'j')
			d.json = true;
		else if (c == 'l')
			d.list = true;
		else if (c == 'p')
			d.path = optarg;
		else if (c == 's')
			d.scenario = optarg;
		else if (c != 'm') /* getopt_long has said what */
			return DOCTOR_USAGE;
		else if (read_limit(optarg) == -1)
			return misused("no number of seconds", optarg);
	}
	d.modules = argv + optind;
	if (d.modules[0] != NULL && !d.audit)
		return misused("modules go with --audit only:", d.modules[0]);
	if (d.config != NULL && !d.audit)
		return misused("a configuration goes with --audit only:",
		    d.config);
	if (d.scenario != NULL && d.audit)
		return misused("--audit has no scenario", d.scenario);
	return 0;
}

int
doctor_main(int argc, char **argv)
{
	struct err e;
	int r;

	if (interp_check_version(&e) == -1) {
		fprintf(stderr, "doctor: %s\n", e.msg);
		return 1;
	}
	if (argc == 2 + TRIAL_ARGS && strcmp(argv[1], "--trial") == 0)
		trial_main(argv + 2);
	r = read_options(argc, argv);
	if (r != 0)
		return r;
	if (d.list) {
		list();
		return 0;
	}
	trial_init();
	r = d.audit ? audit() : try_scenarios();
	if (fflush(stdout) == EOF || ferror(stdout)) {
		perror("doctor: standard output");
		return 1;
	}
	return r;
}
