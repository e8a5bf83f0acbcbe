#include "daemon/config.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_keys.h"
#include "daemon/config_template.h"

#ifndef FORKSERVERD_LIBEXECDIR
#define FORKSERVERD_LIBEXECDIR "/usr/libexec"
#endif

#define ZYGOTE_NAME "forkserver-zygote"

static int
set_defaults(const struct config_key *k, void *section, struct err *e)
{
	for (; k->name != NULL; k++)
		if (config_value_text(k, section, k->name, k->def, e) == -1)
			return -1;
	return 0;
}

static bool
good_name(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isascii((unsigned char)name[i]) ||
		    (!isalnum((unsigned char)name[i]) && name[i] != '_' &&
			name[i] != '-'))
			return false;
	return n >= 1 && n <= CONFIG_NAME_MAX;
}

/* The template of that name, made where it is not there. */
static struct config_template *
need_template(struct config *c, const char *name, size_t n, struct err *e)
{
	struct config_template *t, **v;

	if (!good_name(name, n)) {
		err_set(e, ERR_INVALID_PARAMS,
		    "template.%.*s: expected a "
		    "name of 1 to %d letters, digits, _ or -",
		    (int)(n > 80 ? 80 : n), name, CONFIG_NAME_MAX);
		return NULL;
	}
	for (size_t i = 0; i < c->ntemplates; i++) {
		t = c->templates[i];
		if (strlen(t->name) == n && memcmp(t->name, name, n) == 0)
			return t;
	}
	v = reallocarray(c->templates, c->ntemplates + 1, sizeof(*v));
	if (v != NULL)
		c->templates = v;
	t = v != NULL ? config_template_new(name, n) : NULL;
	if (t == NULL) {
		err_memory(e, "a template");
		return NULL;
	}
	v[c->ntemplates++] = t;
	if (set_defaults(config_template_keys, t, e) == -1)
		return NULL;
	/* What serves many is made anew when somebody says so. */
	t->watch = geteuid() != 0;
	return t;
}

int
config_init(struct config *c, struct err *e)
{
	*c = (struct config){ 0 };
	if (set_defaults(config_server_keys, &c->server, e) == -1)
		return -1;
	return need_template(c, "default", 7, e) != NULL ? 0 : -1;
}

void
config_fini(struct config *c)
{
	for (const struct config_key *k = config_server_keys; k->name != NULL;
	    k++)
		config_value_fini(k, &c->server);
	for (size_t i = 0; i < c->ntemplates; i++)
		config_template_drop(c->templates[i]);
	free(c->templates);
	free(c->file);
	*c = (struct config){ 0 };
}

int
config_set(struct config *c, const char *path, const char *value, struct err *e)
{
	const struct config_key *k = NULL;
	const char *key = strrchr(path, '.');
	void *section = NULL;

	if (strncmp(path, "server.", 7) == 0) {
		k = config_key_find(config_server_keys, path + 7,
		    strlen(path + 7));
		section = &c->server;
	} else if (strncmp(path, "template.", 9) == 0 && key > path + 9) {
		k = config_key_find(config_template_keys, key + 1,
		    strlen(key + 1));
		if (k != NULL)
			section = need_template(c, path + 9, key - path - 9, e);
		if (k != NULL && section == NULL)
			return -1;
	}
	if (k == NULL)
		return err_key(e, path,
		    "%s: no such key; expected server.KEY "
		    "or template.NAME.KEY",
		    path);
	return config_value_text(k, section, path, value, e);
}

static int
set_section(const struct config_key *keys, void *section, const char *where,
    const msgpack_object *o, struct err *e)
{
	char path[160];

	if (o->type != MSGPACK_OBJECT_MAP)
		return err_key(e, where, "%s: expected a table", where);
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[i];
		const struct config_key *k;
		int n;

		if (kv->key.type != MSGPACK_OBJECT_STR)
			return err_key(e, where, "%s: a key is no str", where);
		n = kv->key.via.str.size > 80 ? 80 : kv->key.via.str.size;
		snprintf(path, sizeof(path), "%s.%.*s", where, n,
		    kv->key.via.str.ptr);
		k = config_key_find(keys, kv->key.via.str.ptr,
		    kv->key.via.str.size);
		if (k == NULL)
			return err_key(e, path, "%s: no such key", path);
		if (config_value_object(k, section, path, &kv->val, e) == -1)
			return -1;
	}
	return 0;
}

static int
set_templates(struct config *c, const msgpack_object *o, struct err *e)
{
	char where[CONFIG_NAME_MAX + 16];

	if (o->type != MSGPACK_OBJECT_MAP)
		return err_key(e, "template",
		    "template: expected tables [template.NAME]");
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[i];
		struct config_template *t;

		if (kv->key.type != MSGPACK_OBJECT_STR)
			return err_key(e, "template", "a name is no str");
		t = need_template(c, kv->key.via.str.ptr, kv->key.via.str.size,
		    e);
		if (t == NULL)
			return -1;
		snprintf(where, sizeof(where), "template.%s", t->name);
		if (set_section(config_template_keys, t, where, &kv->val, e) ==
		    -1)
			return -1;
	}
	return 0;
}

int
config_set_all(struct config *c, const msgpack_object *o, struct err *e)
{
	struct map m;
	const msgpack_object *section;
	int r;

	if (map_init(&m, o, "", e) == -1)
		return -1;
	r = map_obj(&m, "server", MAP_OPTIONAL, &section);
	if (r == 1 &&
	    set_section(config_server_keys, &c->server, "server", section, e) ==
		-1)
		return -1;
	r = map_obj(&m, "template", MAP_OPTIONAL, &section);
	if (r == 1 && set_templates(c, section, e) == -1)
		return -1;
	if (map_end(&m) == 0)
		return 0;
	return err_set(e, ERR_INVALID_PARAMS,
	    "%s: no such table; expected "
	    "[server] or [template.NAME]",
	    e->key);
}

/* Whether the name of a variable, upper case with _ for -, stands for S. */
static bool
env_equal(const char *env, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (env[i] !=
		    (s[i] == '-' ? '_' : toupper((unsigned char)s[i])))
			return false;
	return true;
}

static int
template_path_of_env(const struct config *c, const char *rest, char *path,
    size_t n, struct err *e)
{
	size_t len = strlen(rest), best = 0;
	const struct config_key *key = NULL;

	/* The longest key that the name ends with: PRELOAD_TIMEOUT, not
	 * TIMEOUT. */
	for (const struct config_key *k = config_template_keys; k->name != NULL;
	    k++) {
		size_t l = strlen(k->name);

		if (len > l + 1 && l > best && rest[len - l - 1] == '_' &&
		    env_equal(rest + len - l, k->name, l)) {
			best = l;
			key = k;
		}
	}
	if (key == NULL)
		return err_set(e, ERR_INVALID_PARAMS,
		    "no key of a template "
		    "has that name");
	len -= best + 1;
	for (size_t i = 0; i < c->ntemplates; i++) {
		const char *name = c->templates[i]->name;

		if (strlen(name) == len && env_equal(rest, name, len)) {
			snprintf(path, n, "template.%s.%s", name, key->name);
			return 1;
		}
	}
	snprintf(path, n, "template.%.*s.%s", (int)len, rest, key->name);
	for (size_t i = 9; i < 9 + len; i++)
		path[i] = tolower((unsigned char)path[i]);
	return 1;
}

int
config_path_of_env(const struct config *c, const char *name, char *path,
    size_t n, struct err *e)
{
	static const char server[] = "FORKSERVERD_SERVER_";
	static const char templ[] = "FORKSERVERD_TEMPLATE_";

	if (strncmp(name, templ, strlen(templ)) == 0 && strlen(name) < n)
		return template_path_of_env(c, name + strlen(templ), path, n,
		    e);
	if (strncmp(name, server, strlen(server)) != 0)
		return 0;
	name += strlen(server);
	for (const struct config_key *k = config_server_keys; k->name != NULL;
	    k++)
		if (strlen(k->name) == strlen(name) &&
		    env_equal(name, k->name, strlen(name))) {
			snprintf(path, n, "server.%s", k->name);
			return 1;
		}
	return err_set(e, ERR_INVALID_PARAMS,
	    "no key of the server has that name");
}

char *
config_default_zygote(void)
{
	char exe[PATH_MAX], *slash, *s;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash != NULL &&
	    asprintf(&s, "%.*s/" ZYGOTE_NAME, (int)(slash - exe), exe) != -1) {
		if (access(s, X_OK) == 0)
			return s;
		free(s);
	}
	return strdup(FORKSERVERD_LIBEXECDIR "/" ZYGOTE_NAME);
}

int
config_finish(struct config *c, struct err *e)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char *s = NULL;

	if (c->server.zygote[0] == '\0') {
		free(c->server.zygote);
		c->server.zygote = config_default_zygote();
		if (c->server.zygote == NULL)
			return err_memory(e, "a path");
	}
	for (size_t i = 0; i < c->ntemplates; i++)
		if (config_template_finish(c->templates[i], e) == -1)
			return -1;
	if (c->server.socket[0] != '\0')
		return 0;
	if (dir != NULL && dir[0] == '/') {
		if (asprintf(&s, "%s/forkserverd.sock", dir) == -1)
			return err_memory(e, "a path");
	} else if (geteuid() == 0) {
		s = strdup("/run/forkserverd.sock");
	} else {
		return err_set(e, ERR_INVALID_PARAMS,
		    "XDG_RUNTIME_DIR is not "
		    "set and server.socket neither: nowhere to listen");
	}
	free(c->server.socket);
	c->server.socket = s;
	return s != NULL ? 0 : err_memory(e, "a path");
}

void
config_print(const struct config *c, FILE *f)
{
	if (c->file != NULL)
		fprintf(f, "# file: %s\n", c->file);
	fputs("[server]\n", f);
	for (const struct config_key *k = config_server_keys; k->name != NULL;
	    k++)
		config_value_print(k, &c->server, f);
	for (size_t i = 0; i < c->ntemplates; i++) {
		fprintf(f, "\n[template.%s]\n", c->templates[i]->name);
		for (const struct config_key *k = config_template_keys;
		    k->name != NULL; k++)
			config_value_print(k, c->templates[i], f);
	}
}
