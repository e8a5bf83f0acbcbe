#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"

/* How far a child's captured output was shown. */
struct logs {
	struct context *ctx;
	struct forkserver *fs;
	uint64_t id;
	uint64_t at[2]; /* bytes of stdout, of stderr */
	bool over;
};

static const char *const names[2] = { "stdout", "stderr" };

/* What is missing before OFFSET is told; what was shown before is not again. */
static void
show(struct logs *l, int i, uint64_t offset, struct bytes data)
{
	FILE *to = i == 0 ? stdout : stderr;

	if (offset > l->at[i]) {
		fflush(stdout);
		fprintf(stderr,
		    "forkctl: %" PRIu64 " bytes of %s are not kept\n",
		    offset - l->at[i], names[i]);
		l->at[i] = offset;
	}
	if (offset + data.n <= l->at[i])
		return;
	fwrite(data.p + (l->at[i] - offset), 1, offset + data.n - l->at[i], to);
	fflush(to);
	l->at[i] = offset + data.n;
}

static struct bytes
data_of(struct map *m)
{
	const msgpack_object *o;

	if (map_obj(m, "data", MAP_OPTIONAL, &o) != 1 ||
	    o->type != MSGPACK_OBJECT_BIN)
		return (struct bytes){ "", 0 };
	return (struct bytes){ o->via.bin.ptr, o->via.bin.size };
}

/* The map of `output`. */
static void
show_kept(struct logs *l, const msgpack_object *output)
{
	const struct bytes nothing = { "", 0 };
	const msgpack_object *o;
	struct map m, sm;
	struct err e;
	uint64_t offset = 0, bytes = 0;

	if (l->ctx->json) {
		json_line(l->ctx->out, output);
		return;
	}
	if (map_init(&m, output, "output", &e) == -1)
		return;
	for (int i = 0; i < 2; i++) {
		if (map_obj(&m, names[i], MAP_OPTIONAL, &o) != 1 ||
		    map_init(&sm, o, names[i], &e) == -1)
			continue;
		map_uint(&sm, "offset", MAP_OPTIONAL, UINT64_MAX, &offset);
		map_uint(&sm, "bytes", MAP_OPTIONAL, UINT64_MAX, &bytes);
		show(l, i, offset, data_of(&sm));
		show(l, i, bytes, nothing);
	}
}

/* In the map of `inspect`, or in the record that is there after the end. */
static const msgpack_object *
output_of(struct logs *l, const msgpack_object *inspected)
{
	const msgpack_object *o = NULL;
	struct map m;
	struct err e;

	if (map_init(&m, inspected, "", &e) == -1)
		return NULL;
	if (map_obj(&m, "record", MAP_OPTIONAL, &o) == 1) {
		l->over = true;
		if (map_init(&m, o, "record", &e) == -1)
			return NULL;
	}
	o = NULL;
	map_obj(&m, "output", MAP_OPTIONAL, &o);
	return o;
}

/* Shows what the daemon keeps, as far as it was not shown.  The exit status. */
static int
catch_up(struct logs *l)
{
	const msgpack_object *output;
	struct params p;
	struct answer a;
	int status = 0;

	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", l->id);
	answer_init(&a);
	if (rpc_call(l->fs, "inspect", &p, RPC_TIMEOUT_MS, &a) == -1) {
		status = rpc_failed(l->ctx, &a);
	} else if ((output = output_of(l, &a.value.data)) != NULL) {
		show_kept(l, output);
	} else {
		fprintf(stderr,
		    "forkctl: the output of child %" PRIu64
		    " is not captured\n",
		    l->id);
		status = EXIT_OURS;
	}
	answer_fini(&a);
	return status;
}

static void
on_output(struct logs *l, const msgpack_object *params)
{
	struct bytes stream = { "", 0 };
	uint64_t offset = 0, id = 0;
	struct map m;
	struct err e;

	if (map_init(&m, params, "", &e) == -1 ||
	    map_uint(&m, "id", MAP_OPTIONAL, UINT64_MAX, &id) != 1 ||
	    id != l->id)
		return;
	map_str(&m, "stream", MAP_OPTIONAL, 16, &stream);
	map_uint(&m, "offset", MAP_OPTIONAL, UINT64_MAX, &offset);
	if (l->ctx->json)
		json_line(l->ctx->out, params);
	else
		show(l, bytes_eq(stream, names[1]), offset, data_of(&m));
}

/* After an event the daemon is asked anew where pieces may be missing. */
static int
on_event(struct logs *l, struct forkserver_event *ev)
{
	msgpack_unpacked value;
	size_t off = 0;
	int status = 0;

	msgpack_unpacked_init(&value);
	if (strcmp(ev->name, "exited") == 0)
		l->over = true;
	if (l->over || strcmp(ev->name, "lost") == 0)
		status = l->over && l->ctx->json ? 0 : catch_up(l);
	else if (strcmp(ev->name, "output") == 0 &&
	    msgpack_unpack_next(&value, (const char *)ev->data, ev->size,
		&off) == MSGPACK_UNPACK_SUCCESS)
		on_output(l, &value.data);
	msgpack_unpacked_destroy(&value);
	return status;
}

static int
follow(struct logs *l)
{
	struct forkserver_event ev;
	struct answer a;
	int status = 0;

	while (status == 0 && !l->over && !ferror(stdout)) {
		answer_init(&a);
		if (forkserver_next_event(l->fs, -1, &ev, &a.error) == 1) {
			status = on_event(l, &ev);
			forkserver_event_free(&ev);
		} else {
			a.failed = true;
			status = rpc_failed(l->ctx, &a);
		}
		answer_fini(&a);
	}
	return status;
}

/* So that nothing is missed between what is kept and what comes. */
static int
subscribe(struct logs *l)
{
	struct params p;
	struct answer a;
	int status = 0;

	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", l->id);
	pack_kv_bool(&p.pk, &p.map, "output", true);
	answer_init(&a);
	if (rpc_call(l->fs, "subscribe", &p, RPC_TIMEOUT_MS, &a) == -1)
		status = rpc_failed(l->ctx, &a);
	answer_fini(&a);
	return status;
}

static int
exec_logs(struct context *ctx, int argc, char **argv)
{
	static const struct option options[] = { VERB_COMMON_OPTIONS,
		{ "follow", no_argument, NULL, 'f' }, { NULL, 0, NULL, 0 } };
	struct logs l = { .ctx = ctx };
	bool follows = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "f", options, NULL)) != -1) {
		if (c == 'f')
			follows = true;
		else if (verb_common(&verb_logs, ctx, c, optarg, &status))
			return status;
	}
	if (argc - optind != 1 || rpc_id(argv[optind], &l.id) == -1)
		return verb_usage(&verb_logs, "one id of a child is wanted");
	l.fs = rpc_connect(ctx);
	if (l.fs == NULL)
		return EXIT_OURS;
	status = follows ? subscribe(&l) : 0;
	if (status == 0)
		status = catch_up(&l);
	if (status == 0 && follows)
		status = follow(&l);
	forkserver_close(l.fs);
	return status;
}

const struct verb verb_logs = {
	.name = "logs",
	.args = "[-f] ID",
	.line = "print what a child wrote, where that is captured",
	.help =
	    "Its stdout to standard output, its stderr to standard error, "
	    "byte for byte; how much\nof either is not kept any more is told "
	    "on standard error. Captured is what was\nspawned without --fds, "
	    "and it can be read for as long as the exit record is kept.\n\n"
	    "  -f, --follow       what comes, too, until the child ends\n\n"
	    "--json prints the daemon's map of what is kept, and a line for "
	    "each event.\n",
	.exec = exec_logs,
};
