#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/record.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/signals.h"

/* A child whose lease is ours. */
struct hold {
	struct context *ctx;
	struct forkserver *fs;
	uint64_t id;
	int sigfd;
	unsigned asked; /* signals that asked it to end */
	bool over;
	int status;
};

static void
finish(struct hold *h, int status)
{
	h->over = true;
	h->status = status;
}

/* Tells the end, or why it is not known. */
static void
finish_with(struct hold *h, struct answer *a)
{
	if (a->failed) {
		finish(h, rpc_failed(h->ctx, a));
		return;
	}
	if (h->ctx->json)
		json_line(h->ctx->out, &a->value.data);
	finish(h, record_status(&a->value.data, !h->ctx->json));
}

static int
call(struct hold *h, const char *method, int timeout_ms, struct answer *a)
{
	struct params p;

	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", h->id);
	return rpc_call(h->fs, method, &p, timeout_ms, a);
}

/* One that has ended already is not lost: its record is there. */
static void
attach(struct hold *h)
{
	struct answer a, end;

	answer_init(&a);
	answer_init(&end);
	if (call(h, "attach", -1, &a) == 0) {
		fprintf(stderr,
		    "forkctl: child %" PRIu64 " ends with forkctl now; Ctrl-C "
		    "cancels it, Ctrl-\\ lets it go\n",
		    h->id);
	} else if (strcmp(a.error.code, "not_running") == 0) {
		call(h, "wait", -1, &end);
		finish_with(h, &end);
	} else {
		finish_with(h, &a);
	}
	answer_fini(&end);
	answer_fini(&a);
}

static void
let_go(struct hold *h)
{
	struct answer a;

	answer_init(&a);
	if (call(h, "detach", RPC_TIMEOUT_MS, &a) == 0) {
		fprintf(stderr,
		    "forkctl: child %" PRIu64 " goes on by itself\n", h->id);
		finish(h, 0);
	} else if (strcmp(a.error.code, "not_running") != 0) {
		finish_with(h, &a);
	} /* else its end is on its way to us */
	answer_fini(&a);
}

static void
on_signal(struct hold *h, int sig)
{
	switch (sig) {
	case SIGQUIT:
		let_go(h);
		break;
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
		rpc_tell(h->fs, h->asked++ == 0 ? "cancel" : "kill", h->id, 0);
		break;
	case SIGTSTP:
		signals_stop_job();
		break;
	}
}

static void
on_event(struct hold *h, struct forkserver_event *ev)
{
	struct answer a;
	uint64_t owner;

	answer_init(&a);
	a.reply.data = ev->data;
	a.reply.size = ev->size;
	answer_open(&a);
	if (rpc_uint(&a.value.data, "id") != h->id) {
		/* of no child, or another's */
	} else if (strcmp(ev->name, "exited") == 0) {
		finish_with(h, &a);
	} else if (strcmp(ev->name, "moved") == 0) {
		owner = rpc_uint(&a.value.data, "owner");
		fprintf(stderr, "forkctl: child %" PRIu64 " %s\n", h->id,
		    owner != 0 ? "was taken by another connection" :
				 "was let go, and goes on by itself");
		finish(h, owner != 0 ? EXIT_OURS : 0);
	}
	answer_fini(&a); /* and the event with it */
}

static void
hold(struct hold *h)
{
	struct forkserver_event ev;
	struct answer a;
	int sig, r;

	while (!h->over) {
		struct pollfd p[2] = {
			{ .fd = forkserver_fd(h->fs),
			    .events = forkserver_poll_events(h->fs) },
			{ .fd = h->sigfd, .events = POLLIN }
		};

		answer_init(&a);
		while (!h->over &&
		    (r = forkserver_next_event(h->fs, 0, &ev, &a.error)) != 0) {
			a.failed = r == -1;
			if (r == 1)
				on_event(h, &ev);
			else
				finish_with(h, &a);
		}
		answer_fini(&a);
		if (h->over || (poll(p, 2, -1) == -1 && errno != EINTR))
			break;
		while (!h->over && (sig = signals_next(h->sigfd)) != 0)
			on_signal(h, sig);
	}
}

static int
exec_attach(struct context *ctx, int argc, char **argv)
{
	struct hold h = { .ctx = ctx, .status = EXIT_OURS };
	int status;

	if (verb_plain(&verb_attach, ctx, argc, argv, 1, &status))
		return status;
	if (rpc_id(argv[optind], &h.id) == -1)
		return verb_usage(&verb_attach, "\"%s\" is no id of a child",
		    argv[optind]);
	h.fs = rpc_connect(ctx);
	if (h.fs == NULL)
		return EXIT_OURS;
	h.sigfd = signals_open();
	if (h.sigfd != -1) {
		attach(&h);
		hold(&h);
	}
	signals_close(h.sigfd);
	forkserver_close(h.fs);
	return h.status;
}

const struct verb verb_attach = {
	.name = "attach",
	.args = "ID",
	.line = "take the lease of a child, and end as it does",
	.help =
	    "From now on the child ends with forkctl, in whatever way that "
	    "ends. A SIGINT\n(Ctrl-C), SIGTERM or SIGHUP cancels the child, "
	    "the second one kills it; SIGQUIT\n(Ctrl-\\) lets it go: it is "
	    "detached again, and forkctl exits with 0, as it does\nwhen "
	    "somebody else detaches it. When another connection takes the "
	    "lease it exits\nwith 125. To look on without a lease: wait, "
	    "events.\n\n"
	    "Else it exits with the child's status as wait does, at once "
	    "where the child has\nended already.\n",
	.exec = exec_attach,
};
