#include "daemon/guests.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"

static int
no_memory(struct err *e)
{
	return err_memory(e, "the users");
}

static int
read_users(struct guests *g, const struct words *w, struct err *e)
{
	g->uids = calloc(w->n + 1, sizeof(*g->uids));
	if (g->uids == NULL)
		return no_memory(e);
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->v[i], "*") == 0)
			g->all = true;
		else if (account_uid(w->v[i], &g->uids[g->nuids++], e) == -1)
			return err_wrap(e, "server.allow_users[%zu]", i);
	}
	return 0;
}

static int
read_groups(struct guests *g, const struct words *w, struct err *e)
{
	g->gids = calloc(w->n + 1, sizeof(*g->gids));
	if (g->gids == NULL)
		return no_memory(e);
	for (size_t i = 0; i < w->n; i++)
		if (account_gid(w->v[i], &g->gids[g->ngids++], e) == -1)
			return err_wrap(e, "server.allow_groups[%zu]", i);
	return 0;
}

int
guests_init(struct guests *g, const struct config_server *cfg, struct err *e)
{
	*g = (struct guests){ 0 };
	if (read_users(g, &cfg->allow_users, e) == -1)
		return -1;
	return read_groups(g, &cfg->allow_groups, e);
}

void
guests_fini(struct guests *g)
{
	free(g->uids);
	free(g->gids);
	*g = (struct guests){ 0 };
}

bool
guests_any(const struct guests *g)
{
	return g->all || g->nuids > 0 || g->ngids > 0;
}

bool
guests_has(const struct guests *g, const struct account *a)
{
	/* Nobody is not everybody. */
	if (a->uid == (uid_t)-1)
		return false;
	for (size_t i = 0; i < g->nuids; i++)
		if (g->uids[i] == a->uid)
			return true;
	for (size_t i = 0; i < g->ngids; i++)
		if (account_in_group(a, g->gids[i]))
			return true;
	return g->all;
}
