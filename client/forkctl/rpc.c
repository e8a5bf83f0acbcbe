#include "client/forkctl/rpc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/text.h"

#define CONNECT_TIMEOUT_MS 10000

void
params_init(struct params *p)
{
	msgpack_sbuffer_init(&p->buf);
	pack_init(&p->pk, &p->buf);
	pack_map_begin(&p->pk, &p->map);
}

void
params_fini(struct params *p)
{
	msgpack_sbuffer_destroy(&p->buf);
}

void
answer_init(struct answer *a)
{
	memset(a, 0, sizeof(*a));
	msgpack_unpacked_init(&a->value);
}

void
answer_fini(struct answer *a)
{
	msgpack_unpacked_destroy(&a->value);
	forkserver_reply_free(&a->reply);
}

void
answer_open(struct answer *a)
{
	size_t off = 0;

	if (a->reply.data == NULL)
		return;
	if (msgpack_unpack_next(&a->value, (const char *)a->reply.data,
		a->reply.size, &off) != MSGPACK_UNPACK_SUCCESS) {
		fprintf(stderr, "forkctl: out of memory\n");
		exit(EXIT_OURS);
	}
}

struct forkserver *
rpc_connect(struct context *ctx)
{
	struct answer a;
	struct forkserver *fs;

	answer_init(&a);
	fs = forkserver_connect(ctx->socket, CONNECT_TIMEOUT_MS, &a.error);
	if (fs == NULL)
		rpc_failed(ctx, &a);
	answer_fini(&a);
	return fs;
}

int
rpc_call(struct forkserver *fs, const char *method, struct params *p,
    int timeout_ms, struct answer *a)
{
	if (p != NULL)
		pack_map_end(&p->map);
	a->failed = forkserver_call(fs, method, p != NULL ? p->buf.data : NULL,
			p != NULL ? p->buf.size : 0, NULL, 0, timeout_ms,
			&a->reply, &a->error) == -1;
	if (p != NULL)
		params_fini(p);
	answer_open(a);
	return a->failed ? -1 : 0;
}

int
rpc_once(struct context *ctx, const char *method, struct params *p,
    int timeout_ms, struct answer *a)
{
	struct forkserver *fs = rpc_connect(ctx);
	int status = 0;

	answer_init(a);
	if (fs == NULL) {
		if (p != NULL)
			params_fini(p);
		return EXIT_OURS;
	}
	if (rpc_call(fs, method, p, timeout_ms, a) == -1)
		status = rpc_failed(ctx, a);
	forkserver_close(fs);
	return status;
}

void
rpc_tell(struct forkserver *fs, const char *method, uint64_t child, int sig)
{
	struct forkserver_error ignored;
	struct params p;
	uint32_t id;

	params_init(&p);
	pack_kv_uint(&p.pk, &p.map, "id", child);
	if (sig != 0)
		pack_kv_uint(&p.pk, &p.map, "signal", sig);
	pack_map_end(&p.map);
	if (forkserver_send(fs, method, p.buf.data, p.buf.size, NULL, 0, &id,
		&ignored) == 0)
		forkserver_forget(fs, id);
	params_fini(&p);
}

struct bytes
rpc_text(const msgpack_object *o, const char *key)
{
	struct bytes b = { "", 0 };
	struct err ignored;
	struct map m;

	if (map_init(&m, o, "", &ignored) == 0)
		map_text(&m, key, MAP_OPTIONAL, SIZE_MAX, &b);
	return b;
}

uint64_t
rpc_uint(const msgpack_object *o, const char *key)
{
	struct err ignored;
	uint64_t v = 0;
	struct map m;

	if (map_init(&m, o, "", &ignored) == 0)
		map_uint(&m, key, MAP_OPTIONAL, UINT64_MAX, &v);
	return v;
}

/* python exits with 1 when an import fails, with 2 when it cannot open the
 * script (pymain_run_file_obj of Modules/main.c). */
static int
status_of(const char *code, struct bytes traceback)
{
	static const char no_script[] = ": can't open file ";

	if (strcmp(code, "setup_failed") == 0)
		return EXIT_SETUP;
	if (strcmp(code, "import_failed") != 0)
		return EXIT_OURS;
	if (traceback.n > 0 &&
	    memmem(traceback.p, traceback.n, no_script,
		sizeof(no_script) - 1) != NULL &&
	    strncmp(traceback.p, "Traceback", 9) != 0)
		return 2;
	return 1;
}

int
rpc_failed(const struct context *ctx, const struct answer *a)
{
	const struct forkserver_error *e = &a->error;
	struct bytes tb = rpc_text(&a->value.data, "traceback");

	if (ctx->json && a->value.data.type == MSGPACK_OBJECT_MAP) {
		json_line(ctx->out, &a->value.data);
		return status_of(e->code, tb);
	}
	if (tb.n > 0)
		text_block(stderr, tb.p, tb.n);
	if (tb.n > 0 && strcmp(e->code, "import_failed") == 0)
		return status_of(e->code, tb);
	fputs("forkctl: ", stderr);
	if (strcmp(e->code, "system") != 0)
		fprintf(stderr, "%s: ", e->code);
	if (e->key[0] != '\0') {
		text_word(stderr, e->key, strlen(e->key));
		fputs(": ", stderr);
	}
	text_word(stderr, e->message, strlen(e->message));
	fputc('\n', stderr);
	return status_of(e->code, tb);
}

int
rpc_failed_start(const struct context *ctx, const struct answer *a)
{
	int status = rpc_failed(ctx, a);

	return strcmp(a->error.code, "timeout") == 0 ? EXIT_TIMEOUT : status;
}

void
rpc_done(const struct context *ctx, struct answer *a, int status)
{
	if (status == 0 && ctx->json)
		json_line(stdout, &a->value.data);
	answer_fini(a);
}

int
rpc_id(const char *word, uint64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoull(word, &end, 10);
	return errno != 0 || *end != '\0' || word[0] < '0' || word[0] > '9' ||
		*id == 0 ?
	    -1 :
	    0;
}

int
rpc_seconds(const char *word, uint64_t *ns)
{
	char *end;
	double s = strtod(word, &end);

	if (*end == 's')
		end++;
	if (end == word || *end != '\0' || !isfinite(s) || s < 0 || s > 1e9)
		return -1;
	*ns = (uint64_t)(s * 1e9);
	return 0;
}
