#include "daemon/failure.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "proto/map.h"
#include "proto/msg.h"
#include "proto/pack.h"

void
failure_fini(struct failure *f)
{
	free(f->module);
	free(f->traceback);
	*f = (struct failure){ 0 };
}

void
failure_copy(struct failure *to, const struct failure *from)
{
	*to = (struct failure){ .err = from->err };
	if (from->module != NULL)
		to->module = strdup(from->module);
	if (from->traceback != NULL)
		to->traceback = strdup(from->traceback);
}

void
failure_name_key(struct failure *f, const struct config_template *cfg)
{
	for (size_t i = 0; f->module != NULL && i < cfg->preload.n; i++)
		if (strcmp(cfg->preload.v[i], f->module) == 0)
			snprintf(f->err.key, sizeof(f->err.key),
			    "template.%s.preload[%zu]", cfg->name, i);
}

static char *
read_text(struct map *m, const char *key)
{
	struct bytes b;

	if (map_text(m, key, MAP_OPTIONAL, SIZE_MAX, &b) != 1)
		return NULL;
	/* The end of a traceback says more than its beginning. */
	if (b.n > FAILURE_TEXT_MAX) {
		b.p += b.n - FAILURE_TEXT_MAX;
		b.n = FAILURE_TEXT_MAX;
	}
	return bytes_dup(b);
}

void
failure_read(struct failure *f, const msgpack_object *error)
{
	struct map m;
	struct err ignored;

	failure_fini(f);
	msg_read_error(error, &f->err);
	f->err.code = ERR_TEMPLATE_FAILED;
	f->err.key[0] = '\0';
	if (map_init(&m, error, "", &ignored) == -1)
		return;
	f->module = read_text(&m, "module");
	f->traceback = read_text(&m, "traceback");
}

static void
pack_one(msgpack_packer *pk, struct pack_map *m, const char *key, const char *s)
{
	if (s != NULL)
		pack_kv_text(pk, m, key, s);
}

void
failure_pack_details(const struct failure *f, msgpack_packer *pk,
    struct pack_map *m)
{
	pack_one(pk, m, "module", f->module);
	pack_one(pk, m, "traceback", f->traceback);
}

void
failure_pack(const struct failure *f, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_str(pk, &m, "code", err_name(f->err.code));
	pack_kv_text(pk, &m, "message", f->err.msg);
	if (f->err.key[0] != '\0')
		pack_kv_text(pk, &m, "key", f->err.key);
	failure_pack_details(f, pk, &m);
	pack_map_end(&m);
}
