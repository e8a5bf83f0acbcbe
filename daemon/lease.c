#include "daemon/lease.h"

#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/tree.h"
#include "daemon/zygote_orders.h"
#include "proto/pack.h"

void
lease_begin(struct child *c, struct client *owner)
{
	c->owner = owner != NULL ? owner->id : 0;
	c->srv->children.leased += owner != NULL;
}

/* The event `moved`, to who had the lease. */
static void
tell_loser(const struct child *c, uint64_t conn)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_notify(&o, "moved");
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "id", c->id);
	if (c->owner != 0)
		pack_kv_uint(&o.pk, &m, "owner", c->owner);
	pack_map_end(&m);
	client_put_id(c->srv, conn, &o);
}

/* Those that would end a leased child when the daemon is gone. */
static void
tell_guards(struct child *c)
{
	/* The job has said it, also where it is not read yet; the order of a
	 * queued one will. */
	child_ctl_lease(c);
	if (c->zygote != NULL)
		zygote_lease(c->zygote, c);
}

void
lease_move(struct child *c, struct client *owner)
{
	uint64_t before = c->owner;

	log_debug("conn=%ju child=%ju op=lease before=%ju",
	    (uintmax_t)owner->id, (uintmax_t)c->id, (uintmax_t)before);
	if (before == owner->id)
		return;
	c->owner = c->asker = owner->id;
	c->let_go = false;
	tree_join(c, owner);
	if (before != 0) {
		tell_loser(c, before);
		return;
	}
	c->srv->children.leased++;
	tell_guards(c);
}

void
lease_let_go(struct child *c, uint64_t asker)
{
	uint64_t before = c->owner;

	log_debug("conn=%ju child=%ju op=detach before=%ju", (uintmax_t)asker,
	    (uintmax_t)c->id, (uintmax_t)before);
	c->let_go = true;
	if (before == 0)
		return;
	c->owner = 0;
	c->srv->children.leased--;
	if (before != asker)
		tell_loser(c, before);
	tell_guards(c);
}

void
lease_end(struct child *c)
{
	c->srv->children.leased -= c->owner != 0;
}
