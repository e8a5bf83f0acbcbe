#include "daemon/zygote_orders.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cgroup.h"
#include "daemon/cgroup_limit.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/spawn_reply.h"
#include "daemon/server.h"
#include "daemon/standby.h"
#include "daemon/templates.h"
#include "daemon/zygote.h"
#include "daemon/zygote_says.h"
#include "proto/orders.h"
#include "proto/pack.h"
#include "proto/version.h"

/* One of a message: what it says, and the descriptors that it claims, which are
 * its own until put_orders. */
struct order {
	uint64_t number;
	const struct child *c; /* NULL: a standby's */
	const char *cgroup;    /* NULL: none */
	int control;           /* the child's end of its control socket */
	int procs;             /* as of cgroup_lend, or -1 */
};

/* Where the process to be has a control group that the user whose it is may not
 * enter, a descriptor of that goes with the order.  0, or -1 with E filled and
 * nothing opened. */
static int
open_order(struct order *to, const struct zygote *z, int child_end,
    struct err *e)
{
	const struct account *as = template_account(z->lane->t, z->cfg);

	to->procs = -1;
	to->control = fcntl(child_end, F_DUPFD_CLOEXEC, 3);
	if (to->control == -1)
		return err_sys(e, errno, "pass a control socket");
	if (to->cgroup == NULL || as == NULL ||
	    cgroup_lend(to->cgroup, as->uid, &to->procs, e) == 0)
		return 0;
	close(to->control);
	return -1;
}

static void
pack_order(struct msg_out *o, const struct order *from)
{
	struct pack_map m;

	pack_map_begin(&o->pk, &m);
	pack_kv_uint(&o->pk, &m, "order", from->number);
	if (from->c == NULL)
		pack_kv_bool(&o->pk, &m, "standby", true);
	else if (from->c->owner != 0)
		pack_kv_uint(&o->pk, &m, "grace_ns", from->c->grace_ns);
	if (from->cgroup != NULL)
		pack_kv_text(&o->pk, &m, "cgroup", from->cgroup);
	if (from->procs != -1)
		pack_kv_bool(&o->pk, &m, "procs", true);
	pack_map_end(&m);
}

/* Takes the descriptors of all N. */
static void
put_orders(struct zygote *z, const struct order *orders, unsigned n)
{
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_notify(&o, "fork");
	pack_map_begin(&o.pk, &m);
	pack_key(&o.pk, &m, "orders");
	msgpack_pack_array(&o.pk, n);
	for (unsigned i = 0; i < n; i++) {
		pack_order(&o, &orders[i]);
		/* There is room: ORDERS_MAX of two each. */
		msg_out_fd(&o, orders[i].control);
		if (orders[i].procs != -1)
			msg_out_fd(&o, orders[i].procs);
	}
	pack_map_end(&m);
	z->srv->templates.forks += n;
	z->srv->templates.orders++;
	zygote_put(z, &o);
}

/* Its limits are there before it is. */
static int
make_cgroup(struct server *srv, struct child *c, struct err *e)
{
	if (cgroup_new(srv, &c->cgroup, e) == -1)
		return -1;
	return cgroup_limit(c->cgroup, &c->limits, e);
}

/* 0, or -1 with E filled: it can be had no process. */
static int
order_child(struct zygote *z, struct child *c, struct order *to, struct err *e)
{
	*to = (struct order){ .c = c };
	if (child_number(c, 0) == -1)
		return err_memory(e, "an order");
	if (c->contain && c->cgroup == NULL && make_cgroup(z->srv, c, e) == -1)
		return -1;
	to->number = c->order;
	to->cgroup = c->cgroup;
	if (open_order(to, z, c->child_end, e) == -1)
		return -1;
	zygote_bind(&c->zygote, z);
	c->lease_owed = false;
	z->forking++;
	c->generation = z->generation;
	c->orders++;
	c->at.ordered = clock_ns();
	child_set_state(c, CHILD_STARTING);
	return 0;
}

void
zygote_fork(struct zygote *z, struct child *const *cs, unsigned n)
{
	struct order orders[ORDERS_MAX];
	struct err why[ORDERS_MAX];
	bool bad[ORDERS_MAX];
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++) {
		bad[i] = order_child(z, cs[i], &orders[good], &why[i]) == -1;
		good += !bad[i];
	}
	if (good > 0)
		put_orders(z, orders, good);
	/* Not before: others might go with one. */
	for (unsigned i = 0; i < n; i++)
		if (bad[i]) {
			spawn_reply_err(cs[i], &why[i]);
			child_drop(cs[i]);
		}
}

int
zygote_fork_standby(struct zygote *z, const struct standby *sb, struct err *e)
{
	struct order o = { .number = sb->order, .cgroup = sb->cgroup };

	if (open_order(&o, z, sb->child_end, e) == -1)
		return -1;
	put_orders(z, &o, 1);
	return 0;
}

static void
say_lease(struct zygote *z, struct child *c)
{
	struct msg_out o;
	struct pack_map m;

	c->lease_owed = false;
	msg_out_init(&o);
	msg_begin_notify(&o, "lease");
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "order", c->order);
	if (c->owner != 0)
		pack_kv_uint(&o.pk, &m, "grace_ns", c->grace_ns);
	pack_map_end(&m);
	zygote_put(z, &o);
}

void
zygote_lease(struct zygote *z, struct child *c)
{
	if (z->state == ZYGOTE_ENDING)
		return;
	/* However often it changes while the zygote does not read, the last
	 * word is enough. */
	if (stream_pending(&z->st))
		c->lease_owed = z->leases_owed = true;
	else
		say_lease(z, c);
}

void
zygote_leases(struct zygote *z)
{
	struct child *c;

	if (!z->leases_owed)
		return;
	z->leases_owed = false;
	TAILQ_FOREACH(c, &z->srv->children.live, link)
	if (c->zygote == z && c->lease_owed)
		zygote_lease(z, c);
}
