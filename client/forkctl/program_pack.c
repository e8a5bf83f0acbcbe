/*
 * program_pack: the params of a spawn that a program of the command line, and
 * the surroundings of this process, make.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/forkctl/program.h"

/* Whether LIST[0..N) sets the variable that KV, of a name of LEN bytes, does. */
static bool
is_set(const char *const *list, unsigned n, const char *kv, size_t len)
{
	for (unsigned i = 0; i < n; i++)
		if (strncmp(list[i], kv, len + 1) == 0)
			return true;
	return false;
}

static void
pack_env(const struct program *p, struct params *to)
{
	const char *const *own = (const char *const *)environ;
	struct pack_map env;

	pack_map_begin(&to->pk, &env);
	for (unsigned i = 0; own[i] != NULL; i++) {
		size_t len = strcspn(own[i], "=");

		/* Of a name that is there twice getenv sees the first. */
		if (own[i][len] == '\0' || len == 0 ||
		    is_set(p->env, p->nenv, own[i], len) ||
		    is_set(own, i, own[i], len))
			continue;
		env.n++;
		pack_text(&to->pk, own[i], len);
		pack_text(&to->pk, own[i] + len + 1, strlen(own[i] + len + 1));
	}
	for (unsigned i = 0; i < p->nenv; i++) {
		size_t len = strcspn(p->env[i], "=");

		if (is_set(p->env + i + 1, p->nenv - i - 1, p->env[i], len))
			continue;
		env.n++;
		pack_text(&to->pk, p->env[i], len);
		pack_text(&to->pk, p->env[i] + len + 1,
		    strlen(p->env[i] + len + 1));
	}
	pack_map_end(&env);
}

/* A function's module is looked for in the working directory first.  For what
 * python runs too, the child does as python does. */
static void
pack_path(const struct program *p, struct params *to)
{
	if (p->entry != SPAWN_CALL)
		return;
	pack_key(&to->pk, &to->map, "path");
	msgpack_pack_array(&to->pk, 1);
	pack_text(&to->pk, p->cwd, strlen(p->cwd));
}

void
program_pack(const struct program *p, struct params *to, const int *targets,
    unsigned nfds, int tty, bool detached)
{
	mode_t mask = umask(0);

	umask(mask);
	if (p->template != NULL)
		pack_kv_text(&to->pk, &to->map, "template", p->template);
	if (p->start != NULL)
		pack_kv_str(&to->pk, &to->map, "start", p->start);
	if (p->has_grace)
		pack_kv_uint(&to->pk, &to->map, "grace_ns", p->grace_ns);
	if (p->timeout_ns != 0)
		pack_kv_uint(&to->pk, &to->map, "timeout_ns", p->timeout_ns);
	if (p->start_timeout_ns != 0)
		pack_kv_uint(&to->pk, &to->map, "start_timeout_ns",
		    p->start_timeout_ns);
	if (p->no_contain)
		pack_kv_bool(&to->pk, &to->map, "contain", false);
	limits_pack(&p->limits, &to->pk, &to->map);
	if (p->token != NULL)
		pack_kv_text(&to->pk, &to->map, "token", p->token);
	if (p->on_hang_ns != 0)
		pack_kv_uint(&to->pk, &to->map, "on_hang_ns", p->on_hang_ns);
	if (detached)
		pack_kv_bool(&to->pk, &to->map, "detached", true);
	if (p->ready != NULL)
		pack_kv_text(&to->pk, &to->map, "ready", p->ready);
	redirect_pack(&p->redirect, to);
	pack_key(&to->pk, &to->map, spawn_entry_name(p->entry));
	pack_text(&to->pk, p->target, p->target_len);
	pack_key(&to->pk, &to->map, "argv");
	msgpack_pack_array(&to->pk, p->argc);
	for (int i = 0; i < p->argc; i++)
		pack_text(&to->pk, p->argv[i], strlen(p->argv[i]));
	pack_key(&to->pk, &to->map, "env");
	pack_env(p, to);
	pack_path(p, to);
	pack_kv_text(&to->pk, &to->map, "cwd", p->cwd);
	pack_kv_uint(&to->pk, &to->map, "umask", mask);
	pack_key(&to->pk, &to->map, "fds");
	msgpack_pack_array(&to->pk, nfds);
	for (unsigned i = 0; i < nfds; i++)
		msgpack_pack_int(&to->pk, targets[i]);
	if (tty != -1)
		pack_kv_uint(&to->pk, &to->map, "tty", tty);
}
