#include "daemon/standby.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/cgroup.h"
#include "daemon/cgroup_limit.h"
#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/exhausted.h"
#include "daemon/fdcloser.h"
#include "daemon/log.h"
#include "daemon/orphan.h"
#include "daemon/pidfd.h"
#include "daemon/pool.h"
#include "daemon/server.h"
#include "daemon/tree.h"
#include "daemon/zygote.h"
#include "daemon/zygote_orders.h"
#include "proto/spare.h"

#define OUT_MAX 4096 /* nothing is written to it but a job, by its child */

static struct spare spare;

/* Takes it out of all that knows it. */
static void
leave(struct standby *sb)
{
	ev_io_stop(sb->pool->srv->loop, &sb->rd);
	table_del(&sb->pool->srv->standbys, sb->order);
	pool_left(sb->pool, sb);
}

static void
drop(struct standby *sb)
{
	zygote_unbind(&sb->zygote);
	cgroup_remove(sb->pool->srv, sb->cgroup);
	stream_fini(&sb->st);
	if (sb->pidfd != -1)
		close(sb->pidfd);
	if (sb->child_end != -1)
		close(sb->child_end);
	template_drop(sb->pool->lane->t);
	spare_free(&spare, sb);
}

/* Its own word can be faster than the zygote's of the fork; without a process a
 * child that took it would be one that is still to be forked. */
static void
check_ready(struct standby *sb)
{
	if (sb->state == STANDBY_MAKING && sb->told && sb->pid != 0)
		pool_ready(sb->pool, sb);
}

/* The only word that one has is `ready`. */
static int
take_msgs(struct standby *sb, struct err *e)
{
	struct msg m;
	bool ready;
	int r;

	while ((r = stream_next(&sb->st, &m, e)) == 1) {
		ready = m.type == MSG_NOTIFY && strcmp(m.method, "ready") == 0;
		msg_fini(&m);
		if (!ready || sb->told)
			return err_set(e, ERR_MALFORMED,
			    "something else than one `ready`");
		sb->told = true;
		check_ready(sb);
	}
	return r;
}

static void
hear(struct standby *sb)
{
	struct err e = { 0 };

	switch (stream_fill(&sb->st, &e)) {
	case STREAM_GOT:
		if (take_msgs(sb, &e) == 0)
			return;
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF: /* not while we hold the other end */
	case STREAM_BAD:
		break;
	}
	log_warn("standby=%ju pid=%d op=drop code=%s: its control socket: %s",
	    (uintmax_t)sb->order, (int)sb->pid, err_name(e.code), e.msg);
	standby_retire(sb);
}

static void
read_cb(struct ev_loop *loop, ev_io *w, int events)
{
	struct err e;

	(void)loop;
	if ((events & EV_ERROR) == 0) {
		hear(w->data);
		return;
	}
	exhausted_watches(&e);
	pool_lost(((struct standby *)w->data)->pool, w->data, e.msg);
	standby_retire(w->data);
}

static struct standby *
make(struct pool *p, struct zygote *z, struct err *e)
{
	struct standby *sb = spare_zero(&spare, sizeof(*sb));
	int sv[2];

	if (sb == NULL) {
		err_memory(e, "a standby");
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		err_sys(e, errno, "make a control socket");
		spare_free(&spare, sb);
		return NULL;
	}
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	sb->pool = p;
	template_use(p->lane->t);
	zygote_bind(&sb->zygote, z);
	sb->pidfd = -1;
	sb->child_end = sv[1];
	sb->since = clock_ns();
	stream_init(&sb->st, sv[0], &frame_limits_child, OUT_MAX);
	sb->st.close_fd = fdcloser_close;
	ev_io_init(&sb->rd, read_cb, sv[0], EV_READ);
	sb->rd.data = sb;
	return sb;
}

struct standby *
standby_order(struct pool *p, struct zygote *z, struct err *e)
{
	struct server *srv = p->srv;
	struct standby *sb = exhausted_descriptors(e) == 0 ? make(p, z, e) :
							     NULL;

	if (sb == NULL)
		return NULL;
	sb->order = ++srv->children.last_order;
	if (table_put(&srv->standbys, sb->order, sb) == -1) {
		err_memory(e, "a standby");
		drop(sb);
		return NULL;
	}
	pool_making(p, sb);
	ev_io_start(srv->loop, &sb->rd);
	if (cgroup_new(srv, &sb->cgroup, e) == 0 &&
	    zygote_fork_standby(z, sb, e) == 0)
		return sb;
	standby_over(sb);
	return NULL;
}

struct standby *
standby_find(struct server *srv, uint64_t order)
{
	return table_get(&srv->standbys, order);
}

void
standby_forked(struct standby *sb, pid_t pid, int pidfd)
{
	sb->pid = pid;
	sb->pidfd = pidfd;
	if (sb->state == STANDBY_LEAVING)
		pidfd_signal(pidfd, SIGKILL);
	check_ready(sb);
}

void
standby_over(struct standby *sb)
{
	struct server *srv = sb->pool->srv;

	leave(sb);
	drop(sb);
	drain_check(srv);
}

void
standby_reaped(struct standby *sb, int status)
{
	char how[64];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "it died of signal %d",
		    WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "it exited with status %d",
		    WEXITSTATUS(status));
	pool_lost(sb->pool, sb, how);
	standby_over(sb);
}

void
standby_not_forked(struct standby *sb, const struct err *e)
{
	pool_lost(sb->pool, sb, e->msg);
	standby_over(sb);
}

/* It was forked, and the zygote died before it said so. */
static bool
find_process(struct standby *sb)
{
	pid_t pid = orphan_find(sb->pool->srv, sb->child_end);

	sb->pidfd = pid != 0 ? pidfd_of(pid) : -1;
	if (sb->pidfd == -1)
		return false;
	sb->pid = pid;
	return true;
}

void
standby_orphaned(struct standby *sb)
{
	int status;

	zygote_unbind(&sb->zygote);
	if (sb->pid == 0 && !find_process(sb)) {
		standby_over(sb);
		return;
	}
	if (sb->state == STANDBY_LEAVING)
		pidfd_signal(sb->pidfd, SIGKILL);
	standby_retire(sb);
	/* The zygote had reaped it, perhaps, and died before it said so. */
	if (pidfd_exited(sb->pidfd) && waitpid(sb->pid, &status, WNOHANG) != 0)
		standby_over(sb);
}

void
standby_retire(struct standby *sb)
{
	if (sb->state == STANDBY_LEAVING)
		return;
	log_debug("standby=%ju pid=%d op=retire", (uintmax_t)sb->order,
	    (int)sb->pid);
	pool_leaving(sb->pool, sb);
	ev_io_stop(sb->pool->srv->loop, &sb->rd);
	shutdown(sb->st.fd, SHUT_RDWR);
	if (sb->pidfd != -1)
		pidfd_signal(sb->pidfd, SIGKILL);
}

int
standby_hand(struct standby *sb, struct child *c, struct err *e)
{
	if (child_number(c, sb->order) == -1)
		return err_memory(e, "a child");
	if (cgroup_limit(sb->cgroup, &c->limits, e) == -1 ||
	    child_ctl_take(c, sb->st.fd, e) == -1) {
		/* What its group has by now is not for the next one. */
		if (group_limits_any(&c->limits))
			standby_retire(sb);
		return -1;
	}
	sb->st.fd = -1;
	c->lane = sb->pool->lane;
	zygote_bind(&c->zygote, sb->zygote);
	c->generation = sb->zygote->generation;
	c->pid = sb->pid;
	c->pidfd = sb->pidfd;
	c->child_end = sb->child_end;
	c->standby = true;
	c->orders++;
	c->at.ordered = c->at.forked = clock_ns();
	child_set_state(c, CHILD_STARTING);
	c->cgroup = sb->cgroup;
	sb->cgroup = NULL;
	sb->pidfd = sb->child_end = -1;
	tree_forked(c);
	standby_over(sb);
	return 0;
}
