#include "daemon/zygote_orders.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

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
#include "proto/pack.h"
#include "proto/version.h"

/* Where the process to be has a control group that the user whose it is may not
 * enter, a descriptor of that goes with the order. */
static int
lend_cgroup(const struct zygote *z, const char *path, struct msg_out *o,
    struct err *e)
{
	const struct account *as = template_account(z->lane->t, z->cfg);
	int procs;

	if (path == NULL || as == NULL)
		return 0;
	if (cgroup_lend(path, as->uid, &procs, e) == -1)
		return -1;
	if (msg_out_fd(o, procs) == 0)
		return 0;
	return err_memory(e, "a control group");
}

static void
pack_cgroup(struct msg_out *o, struct pack_map *m, const char *path)
{
	if (path == NULL)
		return;
	pack_kv_text(&o->pk, m, "cgroup", path);
	if (o->nfds > 1)
		pack_kv_bool(&o->pk, m, "procs", true);
}

/* Its limits are there before it is. */
static int
make_cgroup(struct server *srv, struct child *c, struct err *e)
{
	if (cgroup_new(srv, &c->cgroup, e) == -1)
		return -1;
	return cgroup_limit(c->cgroup, &c->limits, e);
}

void
zygote_fork(struct zygote *z, struct child *c)
{
	int end = fcntl(c->child_end, F_DUPFD_CLOEXEC, 3);
	struct msg_out o;
	struct pack_map m;
	struct err e;
	int r = 0;

	msg_out_init(&o);
	if (end == -1 || msg_out_fd(&o, end) == -1 || child_number(c, 0) == -1)
		r = err_sys(&e, end == -1 ? errno : ENOMEM,
		    "pass a control socket");
	else if (c->contain && c->cgroup == NULL)
		r = make_cgroup(z->srv, c, &e);
	if (r == 0)
		r = lend_cgroup(z, c->cgroup, &o, &e);
	if (r == -1) {
		msg_out_fini(&o);
		spawn_reply_err(c, &e);
		child_drop(c);
		return;
	}
	zygote_bind(&c->zygote, z);
	c->lease_owed = false;
	z->forking++;
	c->generation = z->generation;
	c->orders++;
	child_set_state(c, CHILD_STARTING);
	msg_begin_notify(&o, "fork");
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "order", c->order);
	if (c->owner != 0)
		pack_kv_uint(&o.pk, &m, "grace_ns", c->grace_ns);
	pack_cgroup(&o, &m, c->cgroup);
	pack_map_end(&m);
	c->at.ordered = clock_ns();
	zygote_put(z, &o);
}

int
zygote_fork_standby(struct zygote *z, const struct standby *sb, struct err *e)
{
	int end = fcntl(sb->child_end, F_DUPFD_CLOEXEC, 3);
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	if (end == -1 || msg_out_fd(&o, end) == -1) {
		msg_out_fini(&o);
		return err_sys(e, end == -1 ? errno : ENOMEM,
		    "pass a control socket");
	}
	if (lend_cgroup(z, sb->cgroup, &o, e) == -1) {
		msg_out_fini(&o);
		return -1;
	}
	msg_begin_notify(&o, "fork");
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "order", sb->order);
	pack_kv_bool(&o.pk, &m, "standby", true);
	pack_cgroup(&o, &m, sb->cgroup);
	pack_map_end(&m);
	zygote_put(z, &o);
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
