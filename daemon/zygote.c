#include "daemon/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/cgroup_limit.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/exhausted.h"
#include "daemon/failure.h"
#include "daemon/fdcloser.h"
#include "daemon/lane.h"
#include "daemon/limits_raise.h"
#include "daemon/log.h"
#include "daemon/orphan.h"
#include "daemon/pulse.h"
#include "daemon/rebirth.h"
#include "daemon/server.h"
#include "daemon/zygote_configure.h"
#include "daemon/zygote_exec.h"
#include "daemon/zygote_orders.h"
#include "daemon/zygote_says.h"

#define OUT_MAX (16u << 20)
#define END_NS (2 * NS_PER_S) /* from EOF to SIGKILL */
#define HEARD_AT_ONCE 4096    /* reads of its socket at most */

const char *
zygote_way_name(enum zygote_way way)
{
	switch (way) {
	case ZYGOTE_PROMOTED:
		return "promoted";
	case ZYGOTE_UNPROMOTED:
		return "unpromoted";
	case ZYGOTE_ADOPTS_NOT:
		return "cold";
	}
	return "";
}

static void
kill_group(const struct zygote *z)
{
	/* Not reaped yet, so the number is still its own; it leads a session
	 * of its own, and its children lead theirs. */
	kill(-z->pid, SIGKILL);
	kill(z->pid, SIGKILL);
}

/* Nothing more is ordered; its last words are read when it is reaped. */
static void
ending(struct zygote *z)
{
	z->state = ZYGOTE_ENDING;
	pool_forget(&z->lane->t->pool, z);
	ev_io_stop(z->srv->loop, &z->wr);
	clock_arm(z->srv->loop, &z->timer, END_NS);
}

void
zygote_kill(struct zygote *z, const struct err *why)
{
	if (z->killed.code == ERR_NONE)
		z->killed = *why;
	ending(z);
	kill_group(z);
}

void
zygote_retire(struct zygote *z)
{
	z->retired = true;
	if (z->state == ZYGOTE_ENDING)
		return;
	ending(z);
	shutdown(z->st.fd, SHUT_WR);
}

void
zygote_bind(struct zygote **at, struct zygote *z)
{
	zygote_unbind(at);
	*at = z;
	z->users++;
}

void
zygote_unbind(struct zygote **at)
{
	struct zygote *z = *at;

	*at = NULL;
	if (z != NULL && --z->users == 0 && z->outgoing)
		zygote_retire(z);
}

void
zygote_let_go(struct zygote *z)
{
	z->outgoing = true;
	pool_forget(&z->lane->t->pool, z);
	if (z->users == 0)
		zygote_retire(z);
}

static void
timed_out(struct zygote *z)
{
	struct err e;

	switch (z->state) {
	case ZYGOTE_STARTING:
		err_set(&e, ERR_TEMPLATE_FAILED,
		    "preloading took longer than "
		    "%g s",
		    (double)z->cfg->preload_ns / NS_PER_S);
		zygote_kill(z, &e);
		break;
	case ZYGOTE_READY:
		pulse_beat(z);
		break;
	case ZYGOTE_ENDING:
		kill_group(z);
		break;
	}
}

static void
timer_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	timed_out(w->data);
}

/* One read.  Whether there may be more. */
static bool
read_some(struct zygote *z)
{
	struct err e;

	switch (stream_fill(&z->st, &e)) {
	case STREAM_GOT:
		z->heard = true;
		if (zygote_says(z, &e) == 0)
			return true;
		break;
	case STREAM_AGAIN:
		return false;
	case STREAM_EOF:
		ev_io_stop(z->srv->loop, &z->rd);
		if (z->state != ZYGOTE_ENDING)
			ending(z);
		return false;
	case STREAM_BAD:
		break;
	}
	ev_io_stop(z->srv->loop, &z->rd);
	log_error("template=%s pid=%d op=drop code=%s: the zygote's socket: "
		  "%s",
	    template_name(z->lane->t), (int)z->pid, err_name(e.code), e.msg);
	err_wrap(&e, "the zygote broke the protocol");
	zygote_kill(z, &e);
	return false;
}

void
zygote_hear(struct zygote *z)
{
	for (int i = 0; i < HEARD_AT_ONCE && read_some(z); i++)
		;
}

static void
read_cb(struct ev_loop *loop, ev_io *w, int events)
{
	struct err e;

	(void)loop;
	if ((events & EV_ERROR) != 0) {
		exhausted_watches(&e);
		zygote_kill(w->data, &e);
	} else {
		read_some(w->data);
	}
}

static void
write_cb(struct ev_loop *loop, ev_io *w, int events)
{
	struct zygote *z = w->data;
	struct err e;
	int r = stream_flush(&z->st, &e);

	(void)events;
	if (r != 0)
		ev_io_stop(loop, w); /* an error is its end: EOF follows */
	if (r == 1)
		zygote_leases(z);
}

void
zygote_put(struct zygote *z, struct msg_out *o)
{
	struct err e;

	if (stream_put(&z->st, o, &e) == -1) {
		err_wrap(&e, "write to the zygote");
		zygote_kill(z, &e);
	} else if (stream_pending(&z->st)) {
		ev_io_start(z->srv->loop, &z->wr);
	}
}

struct zygote *
zygote_start(struct lane *l, const struct config_template *cfg,
    uint64_t generation, struct err *e)
{
	struct server *srv = l->t->srv;
	struct zygote_plan plan = {
		.as = template_account(l->t, cfg),
		.no_new_privs = cfg->no_new_privs,
		.raised = &cfg->limits,
	};
	struct zygote *z;
	int sv[2];

	if (plan.as != NULL && srv->uid != 0) {
		err_set(e, ERR_TEMPLATE_FAILED,
		    "template \"%s\" is user \"%s\"'s: only root's daemon can "
		    "make it",
		    template_name(l->t), cfg->user);
		return NULL;
	}
	if (limits_raise_check(srv, cfg, e) == -1 ||
	    cgroup_limit_template(srv, cfg, e) == -1)
		return NULL;
	z = calloc(1, sizeof(*z));
	if (z == NULL) {
		err_memory(e, "a zygote");
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		err_sys(e, errno, "make a zygote's socket");
		free(z);
		return NULL;
	}
	plan.sock = sv[1];
	z->pid = zygote_exec(srv, &plan, e);
	close(sv[1]);
	if (z->pid == -1) {
		close(sv[0]);
		free(z);
		return NULL;
	}
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	z->srv = srv;
	z->lane = l;
	z->cfg = config_template_use(cfg);
	template_use(l->t);
	z->generation = generation;
	z->started_ns = clock_ns();
	msgpack_sbuffer_init(&z->preload);
	msgpack_sbuffer_init(&z->warnings);
	stream_init(&z->st, sv[0], &frame_limits_default, OUT_MAX);
	z->st.close_fd = fdcloser_close;
	ev_io_init(&z->rd, read_cb, sv[0], EV_READ);
	ev_io_init(&z->wr, write_cb, sv[0], EV_WRITE);
	ev_init(&z->timer, timer_cb);
	z->rd.data = z->wr.data = z->timer.data = z;
	TAILQ_INSERT_TAIL(&srv->templates.zygotes, z, link);
	ev_io_start(srv->loop, &z->rd);
	if (z->cfg->preload_ns > 0)
		clock_arm(srv->loop, &z->timer, z->cfg->preload_ns);
	log_info("template=%s kind=%s pid=%d generation=%ju op=start",
	    template_name(l->t), lane_name(l), (int)z->pid,
	    (uintmax_t)generation);
	zygote_configure(z);
	return z;
}

static void
how_it_ended(const struct zygote *z, int status, char *buf, size_t n)
{
	int at;

	if (z->killed.code != ERR_NONE)
		at = snprintf(buf, n, "was killed: %s", z->killed.msg);
	else if (WIFSIGNALED(status))
		at = snprintf(buf, n, "died of signal %d", WTERMSIG(status));
	else
		at = snprintf(buf, n, "exited with status %d",
		    WEXITSTATUS(status));
	if (z->loading[0] != '\0' && !z->was_ready && (size_t)at < n)
		snprintf(buf + at, n - at, " while importing %s", z->loading);
}

void
zygote_free(struct zygote *z)
{
	ev_io_stop(z->srv->loop, &z->rd);
	ev_io_stop(z->srv->loop, &z->wr);
	ev_timer_stop(z->srv->loop, &z->timer);
	TAILQ_REMOVE(&z->srv->templates.zygotes, z, link);
	stream_fini(&z->st);
	msgpack_sbuffer_destroy(&z->preload);
	msgpack_sbuffer_destroy(&z->warnings);
	free(z->python);
	free(z->reason);
	if (z->fail != NULL)
		failure_fini(z->fail);
	free(z->fail);
	config_template_drop(z->cfg);
	template_drop(z->lane->t);
	free(z);
}

static void
tell_lane(struct zygote *z, const char *how)
{
	struct failure f = { 0 };

	if (z->fail != NULL) {
		f = *z->fail;
		*z->fail = (struct failure){ 0 };
	} else {
		err_set(&f.err, ERR_TEMPLATE_FAILED,
		    "the zygote of template "
		    "\"%s\" %s",
		    template_name(z->lane->t), how);
		if (z->loading[0] != '\0' && !z->was_ready)
			f.module = strdup(z->loading);
	}
	failure_name_key(&f, z->cfg);
	lane_over(z->lane, z, clock_ns() - z->ready_ns, &f);
}

void
zygote_over(struct zygote *z, int status)
{
	struct server *srv = z->srv;
	struct child *c;
	struct walk w;
	char how[256];

	zygote_hear(z);
	how_it_ended(z, status, how, sizeof(how));
	log_info("template=%s pid=%d generation=%ju op=end: %s",
	    template_name(z->lane->t), (int)z->pid, (uintmax_t)z->generation,
	    how);
	/* Its socket's EOF may be missing: somebody has the other end. */
	if (z->state != ZYGOTE_ENDING)
		ending(z);
	walk_begin(&w, srv);
	while ((c = walk_next(&w)) != NULL)
		if (c->zygote == z)
			rebirth_orphaned(c, how);
	pool_orphan(&z->lane->t->pool, z);
	orphans_forget(&srv->orphans);
	if (!z->retired)
		tell_lane(z, how);
	zygote_free(z);
	drain_check(srv);
}
