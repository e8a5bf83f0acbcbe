#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/screen.h"
#include "client/forkctl/table.h"
#include "client/forkctl/text.h"
#include "client/forkctl/top_frame.h"
#include "proto/clock.h"

#define LOST_NS (60 * NS_PER_S)
#define LOOK_MS 2000 /* a key waits as long for its effect */

struct watched {
	struct context *ctx;
	struct forkserver *fs; /* NULL: the daemon is gone */
	struct top_before before;
	uint64_t patience_ns; /* how long it may be gone */
	uint64_t lost_ns;     /* since when it is, 0: it is there */
};

/* The picture as text, which the caller frees.  NULL: the daemon does not
 * answer, which is told in A. */
static char *
picture(struct forkserver *fs, struct top_before *before, size_t width,
    int timeout_ms, struct answer *a)
{
	struct answer list;
	char *text = NULL;
	size_t n;
	FILE *f;

	if (rpc_call(fs, "status", NULL, timeout_ms, a) == -1)
		return NULL;
	answer_init(&list);
	if (rpc_call(fs, "list", NULL, timeout_ms, &list) == -1) {
		answer_fini(a);
		*a = list;
		return NULL;
	}
	f = open_memstream(&text, &n);
	if (f == NULL)
		abort();
	top_frame(f, &a->value.data, &list.value.data, before, width);
	fclose(f);
	answer_fini(&list);
	return text;
}

/* The next one, of a daemon that may be another by now. */
static char *
look(struct watched *w, struct answer *a)
{
	char *text;

	if (w->fs == NULL)
		w->fs = forkserver_connect(w->ctx->socket, LOOK_MS, &a->error);
	if (w->fs == NULL)
		return NULL;
	text = picture(w->fs, &w->before, screen_width(), LOOK_MS, a);
	if (text != NULL) {
		w->lost_ns = 0;
		return text;
	}
	forkserver_close(w->fs);
	w->fs = NULL;
	w->before = (struct top_before){ 0 };
	return NULL;
}

static void
add_line(FILE *f, const char *text)
{
	struct table t;

	table_init(&t, 1, 0);
	table_str(&t, text);
	table_print(&t, f, screen_width());
	table_fini(&t);
}

/* In the picture's place.  The caller frees it. */
static char *
apology(const struct watched *w, const struct answer *a)
{
	uint64_t gone = clock_ns() - w->lost_ns;
	char left[32], line[96], *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (f == NULL)
		abort();
	text_duration(left, sizeof(left), w->patience_ns - gone);
	snprintf(line, sizeof(line),
	    "no daemon; looking for it each second, for %s more", left);
	add_line(f, line);
	add_line(f, a->error.message);
	fclose(f);
	return text;
}

/* What there is to show now.  NULL: it has been gone for too long. */
static char *
next(struct watched *w, struct answer *a)
{
	char *text = look(w, a);

	if (text != NULL)
		return text;
	if (w->lost_ns == 0)
		w->lost_ns = clock_ns();
	return clock_ns() - w->lost_ns < w->patience_ns ? apology(w, a) : NULL;
}

static int
watch(struct watched *w)
{
	struct answer a;
	char *text;
	int status;

	while (screen_ended() == 0) {
		answer_init(&a);
		text = next(w, &a);
		if (text == NULL) {
			screen_leave();
			status = rpc_failed(w->ctx, &a);
			answer_fini(&a);
			return status;
		}
		screen_draw(text);
		free(text);
		answer_fini(&a);
		if (screen_quits())
			break;
	}
	screen_leave();
	return 0;
}

static int
live(struct watched *w)
{
	int status, sig;

	if (screen_enter() == -1)
		return EXIT_OURS;
	status = watch(w);
	sig = screen_ended();
	if (sig == 0)
		return status;
	signal(sig, SIG_DFL);
	raise(sig);
	return EXIT_OURS;
}

static int
once(struct context *ctx, struct forkserver *fs)
{
	struct top_before before = { 0 };
	struct answer a;
	char *text;
	int status = 0;

	answer_init(&a);
	text = picture(fs, &before, 0, RPC_TIMEOUT_MS, &a);
	if (text == NULL)
		status = rpc_failed(ctx, &a);
	else if (ctx->json)
		json_line(ctx->out, &a.value.data);
	else
		fputs(text, stdout);
	free(text);
	answer_fini(&a);
	return status;
}

static int
exec_top(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "wait", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 } };
	struct watched w = { .ctx = ctx, .patience_ns = LOST_NS };
	int c, status;

	while ((c = getopt_long(argc, argv, "w:", options, NULL)) != -1) {
		if (c == 'w' && rpc_seconds(optarg, &w.patience_ns) == -1)
			return verb_usage(&verb_top,
			    "\"%s\" is no time in seconds", optarg);
		if (c != 'w' && verb_common(&verb_top, ctx, c, optarg, &status))
			return status;
	}
	if (optind != argc)
		return verb_usage(&verb_top, "too many words");
	w.fs = rpc_connect(ctx);
	if (w.fs == NULL)
		return EXIT_OURS;
	if (!ctx->json && screen_is_there())
		status = live(&w);
	else
		status = once(ctx, w.fs);
	forkserver_close(w.fs);
	return status;
}

const struct verb verb_top = {
	.name = "top",
	.args = "[-w SEC]",
	.line = "show the daemon, its templates and children, again and again",
	.help =
	    "Each second anew, `q` ends it. TIME and MEMORY are what /proc "
	    "tells of a child: on\nprocessors, and resident, what it shares "
	    "included. Where standard input or output\nis no terminal, or TERM is "
	    "dumb, it is shown once.\n\n"
	    "  -w, --wait SEC  a daemon that is gone, as in a restart, is looked "
	    "for so long;\n"
	    "                  then that is an error; default: 60\n",
	.exec = exec_top,
};
