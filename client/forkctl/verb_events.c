#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/text.h"

static void
print_text(const msgpack_object *o, const char *key)
{
	struct bytes b = rpc_text(o, key);

	putchar(' ');
	text_word(stdout, b.p, b.n);
}

static void
print_end(const msgpack_object *o)
{
	uint64_t sig = rpc_uint(o, "signal");
	bool cancelled = false;
	struct err ignored;
	struct map m;

	if (sig != 0)
		printf(" signal %" PRIu64, sig);
	else
		printf(" %" PRIu64, rpc_uint(o, "exit_code"));
	if (map_init(&m, o, "", &ignored) == 0 &&
	    map_bool(&m, "cancelled", MAP_OPTIONAL, &cancelled) == 1 &&
	    cancelled)
		fputs(" cancelled", stdout);
}

/* A line for people; what is not known to us as JSON. */
static void
print_line(const char *name, const msgpack_object *o)
{
	printf("%-8s", name);
	if (strcmp(name, "started") == 0) {
		printf(" %" PRIu64 " pid %" PRIu64, rpc_uint(o, "id"),
		    rpc_uint(o, "pid"));
		print_text(o, "template");
		print_text(o, "title");
	} else if (strcmp(name, "exited") == 0) {
		printf(" %" PRIu64, rpc_uint(o, "id"));
		print_end(o);
	} else if (strcmp(name, "template") == 0) {
		print_text(o, "name");
		print_text(o, "state");
	} else if (strcmp(name, "lost") == 0) {
		printf(" %" PRIu64, rpc_uint(o, "events"));
	} else {
		putchar(' ');
		json_value(stdout, o);
	}
	putchar('\n');
}

/* Whether it was the end of child ID. */
static bool
print_event(const struct context *ctx, struct forkserver_event *ev, uint64_t id)
{
	struct answer a;
	bool last;

	answer_init(&a);
	a.reply.data = ev->data;
	a.reply.size = ev->size;
	answer_open(&a);
	if (ctx->json) {
		printf("{\"event\": \"%s\", \"params\": ", ev->name);
		json_value(stdout, &a.value.data);
		puts("}");
	} else {
		print_line(ev->name, &a.value.data);
	}
	last = strcmp(ev->name, "exited") == 0 &&
	    rpc_uint(&a.value.data, "id") == id;
	answer_fini(&a); /* and the event with it */
	return last;
}

/* Until the child ONLY has ended, or for ever. */
static int
follow(struct context *ctx, struct forkserver *fs, struct params *p,
    uint64_t only)
{
	struct forkserver_event ev;
	struct answer a;
	bool over = false;
	int status = 0;

	answer_init(&a);
	if (rpc_call(fs, "subscribe", p, RPC_TIMEOUT_MS, &a) == -1)
		status = rpc_failed(ctx, &a);
	while (status == 0 && !over) {
		if (forkserver_next_event(fs, -1, &ev, &a.error) == 1) {
			over = print_event(ctx, &ev, only) && only != 0;
			if (fflush(stdout) == EOF)
				status = EXIT_OURS;
		} else {
			answer_fini(&a);
			status = rpc_failed(ctx, &a);
		}
	}
	answer_fini(&a);
	return status;
}

static int
exec_events(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "tree", no_argument, NULL, 't' },
		{ "output", no_argument, NULL, 'o' }, { NULL, 0, NULL, 0 } };
	bool tree = false, output = false;
	struct forkserver *fs;
	uint64_t id = 0;
	struct params p;
	int c, status;

	while ((c = getopt_long(argc, argv, "to", options, NULL)) != -1) {
		if (c == 't')
			tree = true;
		else if (c == 'o')
			output = true;
		else if (verb_common(&verb_events, ctx, c, optarg, &status))
			return status;
	}
	if (argc - optind > 1)
		return verb_usage(&verb_events, "too many words");
	if (optind < argc && rpc_id(argv[optind], &id) == -1)
		return verb_usage(&verb_events, "\"%s\" is no id of a child",
		    argv[optind]);
	if (tree && id == 0)
		return verb_usage(&verb_events, "--tree goes with an id");
	fs = rpc_connect(ctx);
	if (fs == NULL)
		return EXIT_OURS;
	params_init(&p);
	if (id != 0)
		pack_kv_uint(&p.pk, &p.map, "id", id);
	if (tree)
		pack_kv_bool(&p.pk, &p.map, "tree", true);
	if (output)
		pack_kv_bool(&p.pk, &p.map, "output", true);
	status = follow(ctx, fs, &p, tree ? 0 : id);
	forkserver_close(fs);
	return status;
}

const struct verb verb_events = {
	.name = "events",
	.args = "[-t] [-o] [ID]",
	.line = "print what happens to children and templates, a line each",
	.help =
	    "Of one child until it has ended, else until forkctl is ended. "
	    "An event is its name\nand what it is about: started ID pid PID "
	    "TEMPLATE TITLE; exited ID and the exit code\nor the signal; "
	    "template NAME STATE; lost and how many were, where standard "
	    "output\nis not read fast enough. With --json each line is "
	    "{\"event\": name, \"params\": ...}\nwith all that is known.\n\n"
	    "  -t, --tree         of the children below ID, too, and on after "
	    "its end\n"
	    "  -o, --output       captured output, too\n",
	.exec = exec_events,
};
