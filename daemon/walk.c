#include "daemon/walk.h"

#include "daemon/children.h"
#include "daemon/server.h"

void
walk_begin(struct walk *w, struct server *srv)
{
	*w = (struct walk){ .srv = srv,
		.next = TAILQ_FIRST(&srv->children.live) };
	LIST_INSERT_HEAD(&srv->children.walks, w, link);
}

struct child *
walk_next(struct walk *w)
{
	struct child *c = w->next;

	if (c != NULL)
		w->next = TAILQ_NEXT(c, link);
	else
		LIST_REMOVE(w, link);
	return c;
}

void
walk_leaves(struct child *c)
{
	struct walk *w;

	LIST_FOREACH(w, &c->srv->children.walks, link)
	if (w->next == c)
		w->next = TAILQ_NEXT(c, link);
}
