#include "daemon/users.h"

#include <stdlib.h>

#include "daemon/clock.h"
#include "daemon/server.h"

/* Of no uid more than this, and 0 is no key of a table. */
static uint64_t
key(uid_t uid)
{
	return (uint64_t)uid + 1;
}

static void
forget(struct users *us, struct user *u)
{
	LIST_REMOVE(u, link);
	table_del(&us->by_uid, key(u->uid));
	free(u);
}

/* Those who were kept for the rate of their spawns alone. */
static void
sweep(struct users *us)
{
	uint64_t now = clock_ns();
	struct user *u, *next;

	for (u = LIST_FIRST(&us->list); u != NULL; u = next) {
		next = LIST_NEXT(u, link);
		if (u->refs == 0 && u->spawns_ns <= now)
			forget(us, u);
	}
}

void
users_fini(struct users *us)
{
	struct user *u;

	while ((u = LIST_FIRST(&us->list)) != NULL)
		forget(us, u);
	table_fini(&us->by_uid);
}

struct user *
user_of(struct server *srv, uid_t uid, struct err *e)
{
	struct users *us = &srv->users;
	struct user *u = table_get(&us->by_uid, key(uid));

	if (u != NULL)
		return user_ref(u);
	sweep(us);
	u = calloc(1, sizeof(*u));
	if (u == NULL || table_put(&us->by_uid, key(uid), u) == -1) {
		free(u);
		err_memory(e, "a user");
		return NULL;
	}
	u->uid = uid;
	u->guest = uid != 0 && uid != srv->uid;
	LIST_INSERT_HEAD(&us->list, u, link);
	return user_ref(u);
}

struct user *
user_ref(struct user *u)
{
	u->refs++;
	return u;
}

void
user_drop(struct server *srv, struct user *u)
{
	if (u != NULL && --u->refs == 0 && u->spawns_ns <= clock_ns())
		forget(&srv->users, u);
}

static bool
is_starting(int state)
{
	return state == CHILD_QUEUED || state == CHILD_STARTING;
}

void
user_child_joins(struct child *c, struct user *u)
{
	c->user = user_ref(u);
	u->children++;
	u->starting++;
}

void
user_child_moves(struct child *c, int s)
{
	if (is_starting(s) != is_starting(c->state))
		c->user->starting += is_starting(s) ? 1 : -1;
}

void
user_child_leaves(struct child *c)
{
	c->user->children--;
	c->user->starting -= is_starting(c->state);
}
