#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/forkctl/bench_report.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/signals.h"
#include "client/forkctl/trial.h"
#include "proto/clock.h"

#define ROUNDS 100
#define MAX_ROUNDS 10000
#define COLD_EVERY 10            /* rounds that have a cold start */
#define TRIES 10                 /* at finding that a template has standbys */
#define LIMIT_NS (60 * NS_PER_S) /* of one child to start, and to end */
#define REDRAW_NS (NS_PER_S / 20)

enum { OPT_START = OPT_FIRST };

/* The arguments, and what is measured by them. */
struct plan {
	const char *template, *call; /* call NULL: the default */
	bool chosen;                 /* the start kinds were */
	struct bench bench;
	msgpack_sbuffer params[BENCH_STARTS];
	struct forkserver *fs;
	int signals;
	int sig; /* that stopped it, 0: none */
	bool bar;
	uint64_t drawn_ns;
};

/* A standby is what comes first where there is one; who asks for a warm start
 * has the child forked. */
static const char *const asked[BENCH_STARTS] = { "any", "warm", "cold" };

static void
pack(const struct plan *p, int start, msgpack_sbuffer *buf)
{
	char *here = p->call != NULL ? getcwd(NULL, 0) : NULL;
	struct pack_map m;
	msgpack_packer pk;

	msgpack_sbuffer_init(buf);
	pack_init(&pk, buf);
	pack_map_begin(&pk, &m);
	pack_kv_text(&pk, &m, "template", p->template);
	pack_kv_text(&pk, &m, "call", p->bench.call);
	pack_kv_str(&pk, &m, "start", asked[start]);
	pack_kv_uint(&pk, &m, "grace_ns", NS_PER_S);
	pack_kv_uint(&pk, &m, "start_timeout_ns", LIMIT_NS);
	pack_kv_uint(&pk, &m, "timeout_ns", LIMIT_NS);
	if (here != NULL) {
		pack_key(&pk, &m, "path");
		msgpack_pack_array(&pk, 1);
		pack_text(&pk, here, strlen(here));
	}
	pack_map_end(&m);
	free(here);
}

static void
draw_bar(struct plan *p, bool now)
{
	enum { WIDTH = 32 };
	uint64_t at = clock_ns();
	size_t full = p->bench.done * WIDTH / p->bench.rounds;

	if (!p->bar || (!now && at < p->drawn_ns + REDRAW_NS))
		return;
	p->drawn_ns = at;
	fputs("\r[", stderr);
	for (size_t i = 0; i < WIDTH; i++)
		fputs(i < full ? "#" : "-", stderr);
	fprintf(stderr, "] %zu of %zu", p->bench.done, p->bench.rounds);
}

static void
clear_bar(struct plan *p)
{
	if (p->bar)
		fputs("\r\033[K", stderr);
	p->bar = false;
}

/* One child.  0, or the exit status after it was told what went wrong.  KEEP:
 * counts it, where it is of the kind. */
static int
once(struct context *ctx, struct plan *p, int start, bool keep, bool *hit)
{
	struct bench_start *s = &p->bench.starts[start];
	struct trial t;
	struct answer a;
	int status = 0;

	answer_init(&a);
	*hit = false;
	switch (trial_run(p->fs, p->signals, &p->params[start], &t, &a)) {
	case TRIAL_DONE:
		*hit = strcmp(t.start, bench_start_names[start]) == 0;
		if (keep && *hit) {
			series_add(&s->started, t.started_ns);
			series_add(&s->reaped, t.reaped_ns);
		}
		s->others += keep && !*hit;
		break;
	case TRIAL_REFUSED:
		/* Not every template has every way to start. */
		if (!p->chosen && !keep &&
		    strcmp(a.error.code, "template_failed") == 0)
			s->there = false;
		else {
			clear_bar(p);
			status = rpc_failed_start(ctx, &a);
		}
		break;
	case TRIAL_BROKEN:
		clear_bar(p);
		fputs(t.told, stderr);
		status = EXIT_OURS;
		break;
	case TRIAL_STOPPED:
		p->sig = t.sig;
		status = 128 + t.sig;
		break;
	}
	free(t.told);
	answer_fini(&a);
	return status;
}

/* What is first of its kind pays for what is made then, and does not count. */
static int
find_starts(struct context *ctx, struct plan *p)
{
	for (int s = 0; s < BENCH_STARTS; s++) {
		struct bench_start *start = &p->bench.starts[s];
		bool hit = false;
		int status;

		for (int i = 0; start->there && !hit && i < TRIES; i++) {
			status = once(ctx, p, s, false, &hit);
			if (status != 0)
				return status;
		}
		start->there = start->there && hit;
	}
	return 0;
}

/* In turn, so that what happens on the machine meanwhile hits all alike. */
static int
run_rounds(struct context *ctx, struct plan *p)
{
	struct bench_start *starts = p->bench.starts;
	bool only_cold = !starts[BENCH_STANDBY].there &&
	    !starts[BENCH_WARM].there;
	int status = 0;
	bool hit;

	while (status == 0 && p->bench.done < p->bench.rounds) {
		bool with_cold = only_cold || p->bench.done % COLD_EVERY == 0;

		for (int s = 0; status == 0 && s < BENCH_STARTS; s++)
			if (starts[s].there && (s != BENCH_COLD || with_cold))
				status = once(ctx, p, s, true, &hit);
		p->bench.done += status == 0;
		draw_bar(p, false);
	}
	return status;
}

static int
measure(struct context *ctx, struct plan *p)
{
	bool any = false;
	int status;

	draw_bar(p, true);
	status = find_starts(ctx, p);

	for (int s = 0; s < BENCH_STARTS; s++)
		any = any || p->bench.starts[s].there;
	if (status == 0 && !any) {
		clear_bar(p);
		fprintf(stderr,
		    "forkctl: the template has none of these start kinds\n");
		status = EXIT_OURS;
	}
	if (status == 0)
		status = run_rounds(ctx, p);
	clear_bar(p);
	/* Its end is the end of a child that is still there. */
	forkserver_close(p->fs);
	if (p->bench.done > 0 && (status == 0 || p->sig != 0)) {
		if (ctx->json)
			bench_report_json(&p->bench, ctx->out);
		else
			bench_report(&p->bench);
	}
	return status;
}

static int
exec_with(struct context *ctx, struct plan *p)
{
	int status = EXIT_OURS;

	p->bar = isatty(STDERR_FILENO);
	p->bench.template = p->template;
	p->bench.call = p->call != NULL ? p->call : "trio.lowlevel:checkpoint";
	for (int s = 0; s < BENCH_STARTS; s++) {
		if (!p->chosen)
			p->bench.starts[s].there = true;
		p->bench.starts[s].wanted = p->bench.starts[s].there;
		pack(p, s, &p->params[s]);
	}
	p->fs = rpc_connect(ctx);
	p->signals = p->fs != NULL ? signals_open() : -1;
	if (p->signals != -1) {
		status = measure(ctx, p);
		signals_close(p->signals);
	}
	for (int s = 0; s < BENCH_STARTS; s++)
		msgpack_sbuffer_destroy(&p->params[s]);
	bench_fini(&p->bench);
	return status;
}

static bool
choose(struct plan *p, const char *word)
{
	p->chosen = true;
	for (int s = 0; s < BENCH_STARTS; s++)
		if (strcmp(bench_start_names[s], word) == 0)
			return p->bench.starts[s].there = true;
	return false;
}

static int
exec_bench(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "template", required_argument, NULL, 't' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "start", required_argument, NULL, OPT_START },
		{ NULL, 0, NULL, 0 } };
	struct plan p = { .template = "default", .bench.rounds = ROUNDS };
	uint64_t n;
	int c, status;

	while ((c = getopt_long(argc, argv, "t:n:", options, NULL)) != -1) {
		if (c == 't')
			p.template = optarg;
		else if (c == 'n' &&
		    (rpc_id(optarg, &n) == -1 || n > MAX_ROUNDS))
			return verb_usage(&verb_bench,
			    "\"%s\" is no number from 1 to %d", optarg,
			    MAX_ROUNDS);
		else if (c == 'n')
			p.bench.rounds = n;
		else if (c == OPT_START && !choose(&p, optarg))
			return verb_usage(&verb_bench,
			    "\"%s\" is none of standby, warm and cold", optarg);
		else if (verb_common(&verb_bench, ctx, c, optarg, &status))
			return status;
	}
	if (argc - optind > 1)
		return verb_usage(&verb_bench, "too many words");
	p.call = argv[optind];
	if (p.call != NULL && strchr(p.call, ':') == NULL)
		return verb_usage(&verb_bench, "\"%s\" is no PKG.MOD:FUNC",
		    p.call);
	return exec_with(ctx, &p);
}

const struct verb verb_bench = {
	.name = "bench",
	.args = "[-t TEMPLATE] [-n N] [--start KIND]... [PKG.MOD:FUNC]",
	.line = "time how fast children of a template start here",
	.help =
	    "Starts children that run one function, one after the other and "
	    "the start kinds in\nturn, and tells the time from the request to "
	    "the answer, which comes when the\nfunction is about to run "
	    "(started), and to the child's end (reaped): the median,\np90, p99 "
	    "and longest, and histograms. The function is called without "
	    "arguments,\na coroutine function under trio; without one it is a "
	    "trio checkpoint.\n\n"
	    "  -t, --template NAME  the template; default: default\n"
	    "  -n, --rounds N       how many rounds, up to 10000; default: "
	    "100. Cold starts\n                       are slow: every tenth "
	    "round has one, where others are\n                       asked "
	    "for, too\n"
	    "      --start KIND     only standby, warm or cold ones; may be "
	    "given again.\n                       Default: those that the "
	    "template has\n\n"
	    "Ctrl-C ends it and the child that runs, and shows the rounds "
	    "that were whole.\n",
	.exec = exec_bench,
};
