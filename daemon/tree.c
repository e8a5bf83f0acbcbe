#include "daemon/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/child_end.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/log.h"
#include "daemon/server.h"

int
tree_cookie(struct child *c, struct err *e)
{
	unsigned char raw[16];
	int at = snprintf(c->cookie, sizeof(c->cookie), "%" PRIu64 "-", c->id);

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return err_set(e, ERR_SYSTEM, "no random bytes for a child");
	for (size_t i = 0; i < sizeof(raw); i++)
		at += sprintf(c->cookie + at, "%02x", raw[i]);
	return 0;
}

static bool
alive(const struct child *c)
{
	return c != NULL && c->state != CHILD_ENDED;
}

struct child *
tree_of(struct client *cl)
{
	struct children *cs = &cl->srv->children;
	struct child *c;

	if (cl->child == 0) {
		c = table_get(&cs->by_pid, cl->pid);
		if (c != NULL)
			cl->child = c->id;
		/* The child's own connection may be faster than the zygote's
		 * word of its pid: see tree_forked. */
		else if (!cl->unplaced &&
		    cs->count[CHILD_STARTING] + cs->count[CHILD_CANCELLING] >
			0) {
			cl->unplaced = true;
			cl->srv->clients.unplaced++;
		}
	}
	c = cl->child != 0 ? child_find(cl->srv, cl->child) : NULL;
	return alive(c) ? c : NULL;
}

bool
tree_claim(struct client *cl, struct bytes cookie)
{
	char buf[TREE_COOKIE_MAX];
	struct child *c;

	if (cookie.n >= sizeof(buf))
		return false;
	memcpy(buf, cookie.p, cookie.n);
	buf[cookie.n] = '\0';
	c = child_find(cl->srv, strtoull(buf, NULL, 10));
	if (!alive(c) || c->uid != cl->account.uid ||
	    strcmp(c->cookie, buf) != 0)
		return false;
	cl->child = c->id;
	return true;
}

static struct child *
parent_of(const struct child *c)
{
	return c->parent != 0 ? child_find(c->srv, c->parent) : NULL;
}

void
tree_unforked(struct child *c)
{
	struct table *t = &c->srv->children.by_pid;

	if (c->pid != 0 && table_get(t, c->pid) == c)
		table_del(t, c->pid);
}

/* Its parent's number stays, for the record. */
static void
untie(struct child *c)
{
	struct child *parent = parent_of(c);

	if (c->tied && parent != NULL)
		parent->kids--;
	c->tied = false;
}

void
tree_leave(struct child *c)
{
	untie(c);
	c->parent = 0;
}

void
tree_join(struct child *c, struct client *owner)
{
	struct child *parent = tree_of(owner);

	tree_leave(c);
	/* Nobody is his own descendant: parents have the smaller ids. */
	if (parent == NULL || parent->id >= c->id)
		return;
	c->parent = parent->id;
	c->tied = true;
	parent->kids++;
}

void
tree_forked(struct child *c)
{
	struct server *srv = c->srv;
	struct client *cl;
	struct child *kid;

	/* Another's: its zygote has reaped it, and has not said so yet. */
	table_del(&srv->children.by_pid, c->pid);
	if (table_put(&srv->children.by_pid, c->pid, c) == -1)
		abort(); /* child_new has made room */
	if (srv->clients.unplaced == 0)
		return;
	TAILQ_FOREACH(cl, &srv->clients.list, link)
	{
		if (cl->child != 0 || cl->pid != c->pid)
			continue;
		cl->child = c->id;
		TAILQ_FOREACH(kid, &srv->children.live, link)
		if (kid->asker == cl->id && kid->parent == 0)
			tree_join(kid, cl);
	}
}

/* Ends the leases that are marked, those of connection CONN (0: none) and those
 * of children that are over or end. */
static void
sweep(struct server *srv, uint64_t mark, uint64_t conn)
{
	static const struct err client_gone = {
		.code = ERR_DISCONNECTED,
		.msg = "the client is gone",
	};
	static const struct err parent_gone = {
		.code = ERR_CHILD_DIED,
		.msg = "the child that asked for it has ended or is to end",
	};
	struct child *c;
	struct walk w;

	walk_begin(&w, srv);
	while ((c = walk_next(&w)) != NULL) {
		/* The connection's end and its process's come one by one; a
		 * program's own handler shall hear of it once. */
		if (c->mark != mark || c->lease_over)
			continue;
		c->lease_over = true;
		/* Which may free C. */
		child_cancel(c, c->grace_ns,
		    c->owner == 0 || c->owner == conn ? &client_gone :
							&parent_gone);
	}
}

/* Its spawn said `detached`, and nobody is left to be told of it.  One whose
 * lease was given up later is known to who did that. */
static bool
unknown_to_all(const struct child *c)
{
	return c->owner == 0 && !c->let_go && !c->answered && !asker_waits(c);
}

static bool
below_marked(const struct child *c, uint64_t mark)
{
	const struct child *parent = parent_of(c);

	return c->owner != 0 && parent != NULL && parent->mark == mark;
}

void
tree_over(struct child *c)
{
	struct server *srv = c->srv;
	uint64_t mark = ++srv->children.last_mark;
	struct child *kid;

	untie(c);
	if (c->kids == 0)
		return;
	c->mark = mark;
	/* By id, so parents come before those that they spawned. */
	TAILQ_FOREACH(kid, &srv->children.live, link)
	if (below_marked(kid, mark))
		kid->mark = mark;
	sweep(srv, mark, 0);
}

void
tree_client_gone(struct server *srv, uint64_t conn)
{
	uint64_t mark = ++srv->children.last_mark;
	struct child *c;
	bool any = false;

	TAILQ_FOREACH(c, &srv->children.live, link)
	{
		if (c->owner == conn || unknown_to_all(c) ||
		    below_marked(c, mark)) {
			c->mark = mark;
			any = true;
		}
	}
	if (any)
		sweep(srv, mark, conn);
}

bool
tree_contains(uint64_t root, const struct child *c)
{
	/* By number: the records of those between may be gone, which are then
	 * the end of what can be said. */
	while (c != NULL && c->id != root && c->parent != root)
		c = parent_of(c);
	return c != NULL;
}
