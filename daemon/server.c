#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/fdcloser.h"
#include "daemon/log.h"
#include "proto/reserve.h"

static void
make_instance(struct server *srv)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[16];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		memset(raw, 0, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++) {
		srv->instance[2 * i] = hex[raw[i] >> 4];
		srv->instance[2 * i + 1] = hex[raw[i] & 15];
	}
}

/* 0 to 2 are open, so that no socket of ours is taken for one of them. */
static void
hold_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd != -1 && fd <= 2);
	if (fd != -1)
		close(fd);
}

/* Where libev gets nothing it aborts. */
static void *
allocate(void *p, long n)
{
	if (n > 0)
		return reserve_realloc(p, n);
	free(p);
	return NULL;
}

static void
nudge_cb(struct ev_loop *loop, ev_async *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
}

/* EV_ERROR of a descriptor that the kernel has no room to watch is told when the
 * loop is about to wait, and heard only when that is over. */
static void
about_to_wait(struct ev_loop *loop)
{
	struct server *srv = ev_userdata(loop);

	reserve_fill();
	if (ev_pending_count(loop) > 0)
		ev_async_send(loop, &srv->nudge);
}

int
server_init(struct server *srv, struct config *cfg,
    const struct config_source *source, int ready_fd, struct err *e)
{
	*srv = (struct server){ .cfg = cfg, .ready_fd = ready_fd };
	srv->listener.fd = -1;
	srv->uid = geteuid();
	srv->started_ns = clock_ns();
	hold_stdio();
	make_instance(srv);
	own_limits_take(&srv->limits);
	signal(SIGPIPE, SIG_IGN);
	reserve_fill();
	ev_set_allocator(allocate);
	srv->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (srv->loop == NULL)
		return err_set(e, ERR_SYSTEM, "make an event loop");
	ev_set_userdata(srv->loop, srv);
	ev_async_init(&srv->nudge, nudge_cb);
	ev_async_start(srv->loop, &srv->nudge);
	ev_set_loop_release_cb(srv->loop, about_to_wait, NULL);
	clients_init(&srv->clients);
	children_init(srv);
	gather_init(srv);
	leftovers_init(&srv->leftovers);
	refusals_init(srv);
	drain_init(srv);
	reloads_init(srv, source);
	notify_init(srv);
	events_init(&srv->events);
	if (guests_init(&srv->guests, &cfg->server, e) == -1 ||
	    latency_init(&srv->latency, e) == -1 ||
	    cgroups_init(srv, e) == -1 || fdcloser_init(e) == -1 ||
	    reaper_init(srv, e) == -1 || templates_init(srv, e) == -1 ||
	    pools_init(srv, e) == -1)
		return -1;
	return listener_init(srv, e);
}

void
server_check_ready(struct server *srv)
{
	ssize_t r;

	if (srv->ready || srv->listener.fd == -1 || !templates_settled(srv))
		return;
	srv->ready = true;
	log_info("op=ready");
	notify_ready(srv);
	if (srv->ready_fd == -1)
		return;
	r = write(srv->ready_fd, "\n", 1);
	(void)r;
	close(srv->ready_fd);
	srv->ready_fd = -1;
}

static void
term_cb(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *srv = w->data;

	(void)loop;
	(void)events;
	if (srv->drain.phase > DRAIN_WAITING)
		drain_now(srv);
	else
		drain_begin(srv, false, 0);
}

static void
hup_cb(struct ev_loop *loop, ev_signal *w, int events)
{
	struct err e;

	(void)loop;
	(void)events;
	if (reload_ask(w->data, NULL, (struct bytes){ 0 }, &e) == -1)
		log_warn("op=reload: %s", e.msg);
}

int
server_run(struct server *srv)
{
	ev_signal term, intr, hup;

	ev_signal_init(&term, term_cb, SIGTERM);
	ev_signal_init(&intr, term_cb, SIGINT);
	ev_signal_init(&hup, hup_cb, SIGHUP);
	term.data = intr.data = hup.data = srv;
	ev_signal_start(srv->loop, &term);
	ev_signal_start(srv->loop, &intr);
	ev_signal_start(srv->loop, &hup);
	templates_start(srv);
	ev_run(srv->loop, 0);
	ev_signal_stop(srv->loop, &term);
	ev_signal_stop(srv->loop, &intr);
	ev_signal_stop(srv->loop, &hup);
	log_info("op=exit");
	return 0;
}

void
server_fini(struct server *srv)
{
	struct zygote *z;

	if (srv->loop == NULL)
		return;
	listener_close(srv);
	children_fini(srv);
	leftovers_fini(srv);
	clients_fini(srv);
	reloads_fini(srv);
	users_fini(&srv->users);
	events_fini(&srv->events);
	templates_forget_standbys(srv);
	/* Left over only after a second signal; EOF ends them. */
	while ((z = TAILQ_FIRST(&srv->templates.zygotes)) != NULL)
		zygote_free(z);
	pools_fini(srv);
	templates_fini(srv);
	gather_fini(srv);
	cgroups_fini(srv);
	table_fini(&srv->standbys);
	latency_fini(&srv->latency);
	guests_fini(&srv->guests);
	refusals_fini(srv);
	reaper_fini(srv);
	notify_fini(srv);
	ev_timer_stop(srv->loop, &srv->drain.step);
	ev_timer_stop(srv->loop, &srv->drain.deadline);
	ev_async_stop(srv->loop, &srv->nudge);
	ev_loop_destroy(srv->loop);
	srv->loop = NULL;
}
