#include "daemon/zygote/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/map.h"
#include "proto/version.h"

#define MAX_WORD (128 * 1024)
#define MAX_WORDS 65536
#define MAX_CANARY_NS (UINT64_C(3600) * 1000000000)

static int
no_memory(struct err *e)
{
	return err_memory(e, "the configuration");
}

static int
read_list(struct map *m, const char *key, char ***out)
{
	const msgpack_object_array *a;
	struct bytes b;

	if (map_array(m, key, MAP_REQUIRED, MAX_WORDS, &a) == -1)
		return -1;
	*out = calloc(a->size + 1, sizeof(**out));
	if (*out == NULL)
		return no_memory(m->e);
	for (uint32_t i = 0; i < a->size; i++) {
		if (map_text_at(m, key, a, i, MAX_WORD, &b) == -1)
			return -1;
		if (((*out)[i] = bytes_dup(b)) == NULL)
			return no_memory(m->e);
	}
	return 0;
}

static int
read_env(struct map *m, char ***out)
{
	const msgpack_object_map *env;

	if (map_map(m, "env", MAP_REQUIRED, MAX_WORDS, &env) == -1)
		return -1;
	*out = calloc(env->size + 1, sizeof(**out));
	if (*out == NULL)
		return no_memory(m->e);
	for (uint32_t i = 0; i < env->size; i++) {
		msgpack_object pair[2] = { env->ptr[i].key, env->ptr[i].val };
		const msgpack_object_array a = { .size = 2, .ptr = pair };
		struct bytes k, v;

		if (map_text_at(m, "env", &a, 0, MAX_WORD, &k) == -1 ||
		    map_text_at(m, "env", &a, 1, MAX_WORD, &v) == -1)
			return -1;
		if (asprintf(&(*out)[i], "%.*s=%.*s", (int)k.n, k.p, (int)v.n,
			v.p) == -1) {
			(*out)[i] = NULL;
			return no_memory(m->e);
		}
	}
	return 0;
}

static int
read_venv(struct map *m, char **out)
{
	struct bytes b;

	if (map_text(m, "venv", MAP_REQUIRED, MAX_WORD, &b) == -1)
		return -1;
	if (b.n > 0 && (*out = bytes_dup(b)) == NULL)
		return no_memory(m->e);
	return 0;
}

/* One of two words. */
static int
read_choice(struct map *m, const char *key, const char *no, const char *yes,
    bool *out)
{
	struct bytes b;

	if (map_str(m, key, MAP_REQUIRED, 32, &b) == -1)
		return -1;
	*out = bytes_eq(b, yes);
	if (!*out && !bytes_eq(b, no))
		return err_key(m->e, key, "\"%s\" must be \"%s\" or \"%s\"",
		    key, no, yes);
	return 0;
}

int
conf_read(struct conf *c, const msgpack_object *params, struct err *e)
{
	struct map m;
	struct bytes b;
	uint64_t version;
	bool isolated;

	*c = (struct conf){ .mode = CONF_LEGACY };
	if (map_init(&m, params, "", e) == -1 ||
	    map_uint(&m, "version", MAP_REQUIRED, UINT32_MAX, &version) == -1)
		return -1;
	if (version != PROTO_ZYGOTE_VERSION)
		return err_key(e, "version",
		    "the daemon speaks version %u of "
		    "the zygote's protocol, the zygote version %d",
		    (unsigned)version, PROTO_ZYGOTE_VERSION);
	if (map_str(&m, "template", MAP_REQUIRED, 64, &b) == -1)
		return -1;
	if ((c->template = bytes_dup(b)) == NULL)
		return no_memory(e);
	if (read_choice(&m, "kind", "warm", "cold", &c->cold) == -1 ||
	    read_choice(&m, "mode", "legacy", "isolated", &isolated) == -1 ||
	    map_bool(&m, "promote", MAP_REQUIRED, &c->promote) == -1 ||
	    map_bool(&m, "watch", MAP_REQUIRED, &c->watch) == -1 ||
	    read_list(&m, "preload", &c->preload) == -1 ||
	    read_list(&m, "path", &c->path) == -1 ||
	    read_list(&m, "prime", &c->prime) == -1 ||
	    read_list(&m, "after_fork", &c->after_fork) == -1 ||
	    read_list(&m, "allow", &c->allow) == -1 ||
	    read_venv(&m, &c->venv) == -1 || read_env(&m, &c->env) == -1 ||
	    map_bool(&m, "account", MAP_OPTIONAL, &c->account) == -1 ||
	    map_uint(&m, "canary_ns", MAP_REQUIRED, MAX_CANARY_NS,
		&c->canary_ns) == -1 ||
	    map_uint(&m, "generation", MAP_REQUIRED, UINT64_MAX,
		&c->generation) == -1)
		return -1;
	c->mode = isolated ? CONF_ISOLATED : CONF_LEGACY;
	return map_end(&m);
}

static void
free_list(char **list)
{
	for (char **p = list; p != NULL && *p != NULL; p++)
		free(*p);
	free(list);
}

void
conf_fini(struct conf *c)
{
	free(c->template);
	free_list(c->preload);
	free_list(c->path);
	free_list(c->prime);
	free_list(c->after_fork);
	free_list(c->allow);
	free_list(c->env);
	free(c->venv);
	*c = (struct conf){ .mode = CONF_LEGACY };
}
