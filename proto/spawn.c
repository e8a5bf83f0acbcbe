#include "proto/spawn.h"

#include <stdio.h>
#include <string.h>

#include "proto/pack.h"
#include "proto/spawn_fds.h"

#define MAX_NAME 64 /* bytes of a template's name */
#define MAX_TITLE 4096
#define MAX_GRACE_NS (UINT64_C(86400) * 1000000000)
#define MIN_HANG_NS 10000000 /* a ping has its cost */
#define MAX_LIMIT_NS (UINT64_C(366) * 86400 * 1000000000)

static const char *const entry_names[] = {
	[SPAWN_CALL] = "call",
	[SPAWN_SCRIPT] = "script",
	[SPAWN_MODULE] = "module",
	[SPAWN_CODE] = "code",
};

static const char *const ready_names[] = {
	[SPAWN_STARTED] = "started",
	[SPAWN_TOLD] = "told",
	[SPAWN_NOTIFY] = "notify",
};

const char *
spawn_entry_name(enum spawn_entry entry)
{
	return entry_names[entry];
}

/* module:function, neither of them empty. */
static int
check_call(const struct spawn *s, struct map *m)
{
	const char *colon = memchr(s->target.p, ':', s->target.n);

	if (colon != NULL && colon > s->target.p &&
	    colon + 1 < s->target.p + s->target.n)
		return 0;
	return err_key(m->e, "call", "\"call\" must be \"module:function\"");
}

/* Exactly one of the four entries. */
static int
read_entry(struct spawn *s, struct map *m)
{
	const msgpack_object *o;
	int found = 0, r = 0;

	for (int i = SPAWN_CALL; i <= SPAWN_CODE; i++) {
		if (map_obj(m, entry_names[i], MAP_OPTIONAL, &o) != 1)
			continue;
		found++;
		s->entry = i;
		if (i == SPAWN_SCRIPT)
			r |= map_text(m, entry_names[i], MAP_REQUIRED,
			    SPAWN_MAX_TEXT, &s->target);
		else
			r |= map_str(m, entry_names[i], MAP_REQUIRED,
			    i == SPAWN_CODE ? SPAWN_MAX_CODE : SPAWN_MAX_TEXT,
			    &s->target);
		if (r == -1)
			return -1;
		if (s->target.n == 0 && i != SPAWN_CODE)
			return err_key(m->e, entry_names[i], "\"%s\" is empty",
			    entry_names[i]);
	}
	if (found != 1)
		return err_key(m->e, "call",
		    "exactly one of \"call\", "
		    "\"script\", \"module\" and \"code\" must be there, "
		    "not %d",
		    found);
	return s->entry == SPAWN_CALL ? check_call(s, m) : 0;
}

/* Every element, and every key and value of env, is text without NUL. */
static int
check_words(struct map *m, const char *key, const msgpack_object_array *a)
{
	struct bytes b;

	for (uint32_t i = 0; a != NULL && i < a->size; i++)
		if (map_text_at(m, key, a, i, SPAWN_MAX_TEXT, &b) == -1)
			return -1;
	return 0;
}

static int
check_env(struct map *m, const msgpack_object_map *env)
{
	struct bytes k;

	for (uint32_t i = 0; env != NULL && i < env->size; i++) {
		const msgpack_object pair[2] = { env->ptr[i].key,
			env->ptr[i].val };
		const msgpack_object_array a = { .size = 2,
			.ptr = (msgpack_object *)pair };

		if (map_text_at(m, "env", &a, 1, SPAWN_MAX_TEXT, &k) == -1 ||
		    map_text_at(m, "env", &a, 0, SPAWN_MAX_TEXT, &k) == -1)
			return -1;
		if (k.n == 0 || memchr(k.p, '=', k.n) != NULL)
			return err_key(m->e, "env",
			    "\"env\" has a name that "
			    "is empty or has a = in it");
	}
	return 0;
}

/* The index of the word at KEY among NAMES, which are N; 0 where it is absent.
 * -1 with the error filled. */
static int
read_word(struct map *m, const char *key, const char *const *names, int n)
{
	char all[64] = "";
	struct bytes b;
	int r = map_str(m, key, MAP_OPTIONAL, 16, &b);

	if (r != 1)
		return r;
	for (int i = 0; i < n; i++) {
		if (bytes_eq(b, names[i]))
			return i;
		snprintf(all + strlen(all), sizeof(all) - strlen(all),
		    "%s\"%s\"",
		    i == 0        ? "" :
			i < n - 1 ? ", " :
				    " or ",
		    names[i]);
	}
	return err_key(m->e, key, "\"%s\" must be %s", key, all);
}

static int
read_start(struct spawn *s, struct map *m)
{
	static const char *const names[] = {
		[SPAWN_ANY] = "any",
		[SPAWN_WARM] = "warm",
		[SPAWN_COLD] = "cold",
	};
	int r = read_word(m, "start", names, 3);

	s->start = r;
	return r == -1 ? -1 : 0;
}

static int
read_ready(struct spawn *s, struct map *m)
{
	int r = read_word(m, "ready", ready_names, 3);

	s->ready = r;
	return r == -1 ? -1 : 0;
}

/* What goes on to the child. */
static int
read_surroundings(struct spawn *s, struct map *m, unsigned max_fds)
{
	uint64_t umask_value;
	int r;

	if (map_array(m, "args", MAP_OPTIONAL, SIZE_MAX, &s->args) == -1 ||
	    map_map(m, "kwargs", MAP_OPTIONAL, SIZE_MAX, &s->kwargs) == -1)
		return -1;
	if ((s->args != NULL || s->kwargs != NULL) && s->entry != SPAWN_CALL)
		return err_key(m->e, s->args != NULL ? "args" : "kwargs",
		    "\"%s\" goes with \"call\" only; a program has \"argv\"",
		    s->args != NULL ? "args" : "kwargs");
	for (uint32_t i = 0; s->kwargs != NULL && i < s->kwargs->size; i++)
		if (s->kwargs->ptr[i].key.type != MSGPACK_OBJECT_STR)
			return err_key(m->e, "kwargs",
			    "the keys of \"kwargs\" must be str");
	if (map_array(m, "argv", MAP_OPTIONAL, SPAWN_MAX_WORDS, &s->argv) ==
		-1 ||
	    check_words(m, "argv", s->argv) == -1 ||
	    map_array(m, "path", MAP_OPTIONAL, SPAWN_MAX_WORDS, &s->path) ==
		-1 ||
	    check_words(m, "path", s->path) == -1 ||
	    map_map(m, "env", MAP_OPTIONAL, SPAWN_MAX_WORDS, &s->env) == -1 ||
	    check_env(m, s->env) == -1)
		return -1;
	s->cwd = (struct bytes){ "/", 1 };
	if (map_text(m, "cwd", MAP_OPTIONAL, SPAWN_MAX_TEXT, &s->cwd) == -1 ||
	    map_text(m, "title", MAP_OPTIONAL, MAX_TITLE, &s->title) == -1)
		return -1;
	if (s->cwd.n == 0)
		return err_key(m->e, "cwd", "\"cwd\" is empty");
	r = map_uint(m, "umask", MAP_OPTIONAL, 0777, &umask_value);
	s->umask = r == 1 ? (int)umask_value : -1;
	if (r == -1 || read_ready(s, m) == -1 ||
	    limits_read(&s->limits, m) == -1)
		return -1;
	return spawn_fds_read(s, m, max_fds);
}

static int
read_grace(struct spawn *s, struct map *m, enum map_need need)
{
	int r = map_uint(m, "grace_ns", need, MAX_GRACE_NS, &s->grace_ns);

	s->has_grace = r == 1;
	return r == -1 ? -1 : 0;
}

/* A limit of time; there is none of 0. */
static int
read_limit(struct map *m, const char *key, uint64_t *out)
{
	int r = map_uint(m, key, MAP_OPTIONAL, MAX_LIMIT_NS, out);

	if (r == 1 && *out == 0)
		return err_key(m->e, key, "\"%s\" is 0", key);
	return r == -1 ? -1 : 0;
}

static int
read_token(struct spawn *s, struct map *m)
{
	int r = map_text(m, "token", MAP_OPTIONAL, SPAWN_MAX_TOKEN, &s->token);

	if (r == 1 && s->token.n == 0)
		return err_key(m->e, "token", "\"token\" is empty");
	return r == -1 ? -1 : 0;
}

static int
read_on_hang(struct spawn *s, struct map *m)
{
	int r = map_uint(m, "on_hang_ns", MAP_OPTIONAL, MAX_LIMIT_NS,
	    &s->on_hang_ns);

	if (r == 1 && s->on_hang_ns < MIN_HANG_NS)
		return err_key(m->e, "on_hang_ns",
		    "\"on_hang_ns\" must be at least %d", MIN_HANG_NS);
	return r == -1 ? -1 : 0;
}

int
spawn_read(struct spawn *s, const msgpack_object *params, struct err *e)
{
	struct map m;

	*s = (struct spawn){ .template = { "default", 7 }, .contain = true };
	if (map_init(&m, params, "", e) == -1 || read_entry(s, &m) == -1 ||
	    map_str(&m, "template", MAP_OPTIONAL, MAX_NAME, &s->template) ==
		-1 ||
	    read_start(s, &m) == -1 || read_grace(s, &m, MAP_OPTIONAL) == -1 ||
	    map_bool(&m, "detached", MAP_OPTIONAL, &s->detached) == -1 ||
	    map_bool(&m, "pidfd", MAP_OPTIONAL, &s->pidfd) == -1 ||
	    map_bool(&m, "contain", MAP_OPTIONAL, &s->contain) == -1 ||
	    read_limit(&m, "timeout_ns", &s->timeout_ns) == -1 ||
	    read_limit(&m, "start_timeout_ns", &s->start_timeout_ns) == -1 ||
	    read_on_hang(s, &m) == -1 ||
	    read_surroundings(s, &m, SPAWN_MAX_FDS) == -1 ||
	    spawn_fds_read_capture(s, &m) == -1 || read_token(s, &m) == -1)
		return -1;
	return map_end(&m);
}

int
spawn_read_job(struct spawn *s, const msgpack_object *params, struct err *e)
{
	uint64_t captured = 0;
	struct map m;

	*s = (struct spawn){ .template = { "", 0 } };
	if (map_init(&m, params, "", e) == -1 || read_entry(s, &m) == -1 ||
	    map_uint(&m, "id", MAP_REQUIRED, UINT64_MAX, &s->id) == -1 ||
	    map_bool(&m, "detached", MAP_REQUIRED, &s->detached) == -1 ||
	    read_grace(s, &m, MAP_REQUIRED) == -1 ||
	    map_uint(&m, "captured", MAP_OPTIONAL, SPAWN_JOB_FDS, &captured) ==
		-1 ||
	    map_text(&m, "socket", MAP_OPTIONAL, SPAWN_MAX_TEXT, &s->socket) ==
		-1 ||
	    map_text(&m, "cookie", MAP_OPTIONAL, SPAWN_MAX_TEXT, &s->cookie) ==
		-1 ||
	    map_text(&m, "notify", MAP_OPTIONAL, SPAWN_MAX_TEXT, &s->notify) ==
		-1 ||
	    read_surroundings(s, &m, SPAWN_JOB_FDS) == -1)
		return -1;
	if (captured > s->nfds)
		return err_key(e, "captured",
		    "\"captured\" is more than \"fds\" has");
	s->captured = captured;
	return map_end(&m);
}

static void
pack_array(msgpack_packer *pk, struct pack_map *m, const char *key,
    const msgpack_object_array *a)
{
	const msgpack_object o = { .type = MSGPACK_OBJECT_ARRAY,
		.via.array = *a };

	pack_key(pk, m, key);
	msgpack_pack_object(pk, o);
}

static void
pack_object_map(msgpack_packer *pk, struct pack_map *m, const char *key,
    const msgpack_object_map *v)
{
	const msgpack_object o = { .type = MSGPACK_OBJECT_MAP, .via.map = *v };

	pack_key(pk, m, key);
	msgpack_pack_object(pk, o);
}

void
spawn_pack_job(const struct spawn *s, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "id", s->id);
	pack_kv_bool(pk, &m, "detached", s->detached);
	pack_kv_uint(pk, &m, "grace_ns", s->grace_ns);
	pack_key(pk, &m, entry_names[s->entry]);
	if (s->entry == SPAWN_SCRIPT)
		pack_text(pk, s->target.p, s->target.n);
	else
		pack_strn(pk, s->target.p, s->target.n);
	if (s->args != NULL)
		pack_array(pk, &m, "args", s->args);
	if (s->kwargs != NULL)
		pack_object_map(pk, &m, "kwargs", s->kwargs);
	if (s->argv != NULL)
		pack_array(pk, &m, "argv", s->argv);
	if (s->path != NULL)
		pack_array(pk, &m, "path", s->path);
	if (s->env != NULL)
		pack_object_map(pk, &m, "env", s->env);
	pack_key(pk, &m, "cwd");
	pack_text(pk, s->cwd.p, s->cwd.n);
	if (s->title.n > 0) {
		pack_key(pk, &m, "title");
		pack_text(pk, s->title.p, s->title.n);
	}
	if (s->umask != -1)
		pack_kv_uint(pk, &m, "umask", s->umask);
	limits_pack(&s->limits, pk, &m);
	spawn_fds_pack(s, pk, &m);
	if (s->captured > 0)
		pack_kv_uint(pk, &m, "captured", s->captured);
	if (s->ready != SPAWN_STARTED)
		pack_kv_str(pk, &m, "ready", ready_names[s->ready]);
	if (s->socket.n > 0) {
		pack_key(pk, &m, "socket");
		pack_text(pk, s->socket.p, s->socket.n);
	}
	if (s->cookie.n > 0) {
		pack_key(pk, &m, "cookie");
		pack_text(pk, s->cookie.p, s->cookie.n);
	}
	if (s->notify.n > 0) {
		pack_key(pk, &m, "notify");
		pack_text(pk, s->notify.p, s->notify.n);
	}
	pack_map_end(&m);
}
