#include "daemon/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/exhausted.h"
#include "daemon/log.h"
#include "daemon/server.h"

#define BACKLOG 1024
#define ACCEPTS_A_TURN 32
#define LOCK_TRIES 200 /* of 10 ms */
#define PAUSE_NS (100 * UINT64_C(1000000))

static bool
passing_error(int sys)
{
	return sys == EMFILE || sys == ENFILE || sys == ENOBUFS ||
	    sys == ENOMEM;
}

/* Without a free descriptor the pending connection would wake the loop for
 * ever: look away for a while. */
static void
back_off(struct server *srv, int sys)
{
	struct listener *l = &srv->listener;

	/* Once, however long it lasts. */
	if (!l->short_of)
		log_warn("op=accept: %s; pausing", strerrordesc_np(sys));
	l->short_of = true;
	ev_io_stop(srv->loop, &l->accept);
	clock_arm(srv->loop, &l->pause, PAUSE_NS);
}

static void
accept_some(struct server *srv)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd;

		/* They wait in the kernel, who would be told only that. */
		if (exhausted_nearly()) {
			back_off(srv, EMFILE);
			return;
		}
		fd = accept4(srv->listener.fd, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd != -1) {
			srv->listener.short_of = false;
			client_new(srv, fd);
		}
		if (fd == -1 && passing_error(errno))
			back_off(srv, errno);
		if (fd == -1 && errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void
accept_cb(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	accept_some(w->data);
}

static void
pause_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *srv = w->data;

	(void)events;
	if (srv->listener.fd != -1)
		ev_io_start(loop, &srv->listener.accept);
}

static int
take_from_systemd(struct listener *l, struct err *e)
{
	struct sockaddr_un sun = { 0 };
	socklen_t n = sizeof(sun);
	int count = sd_listen_fds(1);

	if (count < 0)
		return err_sys(e, -count, "read LISTEN_FDS");
	if (count == 0)
		return 0;
	if (count > 1)
		return err_set(e, ERR_SYSTEM,
		    "systemd passes %d sockets, expected one", count);
	l->fd = SD_LISTEN_FDS_START;
	if (sd_is_socket(l->fd, AF_UNIX, SOCK_STREAM, 1) <= 0)
		return err_set(e, ERR_SYSTEM,
		    "what systemd passes is no "
		    "listening UNIX stream socket");
	if (fcntl(l->fd, F_SETFL, O_NONBLOCK) == -1)
		return err_sys(e, errno, "set systemd's socket");
	if (getsockname(l->fd, (struct sockaddr *)&sun, &n) == 0)
		snprintf(l->path, sizeof(l->path), "%s", sun.sun_path);
	return 1;
}

/* 0: nobody serves PATH and no file is in the way; -1: E says who is. */
static int
clear_path(const struct sockaddr_un *sun, struct err *e)
{
	struct stat st;
	int fd, r;

	if (lstat(sun->sun_path, &st) == -1)
		return errno == ENOENT ?
		    0 :
		    err_sys(e, errno, "socket \"%s\"", sun->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_SYSTEM,
		    "socket \"%s\": there is a file "
		    "of that name that is no socket",
		    sun->sun_path);
	/* Non-blocking: a live daemon with a full backlog answers EAGAIN. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(e, errno, "make a socket");
	r = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ?
	    0 :
	    errno;
	close(fd);
	if (r != ECONNREFUSED)
		return err_set(e, ERR_SYSTEM, "socket \"%s\": %s",
		    sun->sun_path,
		    r == 0 || r == EAGAIN ? "a daemon is serving it already" :
					    strerrordesc_np(r));
	if (unlink(sun->sun_path) == -1 && errno != ENOENT)
		return err_sys(e, errno, "remove stale socket \"%s\"",
		    sun->sun_path);
	return 0;
}

/* The directory's lock keeps two starting daemons from removing each other's
 * fresh socket between probe and bind. */
static int
lock_dir(const char *path, struct err *e)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash != NULL)
		slash[slash == dir] = '\0';
	fd = open(slash != NULL ? dir : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, errno, "socket \"%s\": open its directory",
		    path);
	/* Not for ever: in /tmp anybody may hold it. */
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		usleep(10000);
	}
	err_sys(e, errno, "lock the directory of socket \"%s\"", path);
	close(fd);
	return -1;
}

static int
bind_locked(struct listener *l, const struct sockaddr_un *sun, unsigned mode,
    struct err *e)
{
	struct stat st;
	mode_t old;
	int r;

	if (clear_path(sun, e) == -1)
		return -1;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd == -1)
		return err_sys(e, errno, "make a socket");
	old = umask(~mode & 0777);
	r = bind(l->fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(old);
	if (r == -1)
		return err_sys(e, errno, "bind socket \"%s\"", sun->sun_path);
	if (stat(sun->sun_path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
		l->own = true;
	}
	if (listen(l->fd, BACKLOG) == -1)
		return err_sys(e, errno, "listen on \"%s\"", sun->sun_path);
	return 0;
}

/* Children, which are told of it, are in other directories. */
static void
make_absolute(struct listener *l)
{
	char *path = realpath(l->path, NULL);

	if (path != NULL && strlen(path) < sizeof(l->path))
		strcpy(l->path, path);
	free(path);
}

static int
bind_own(struct listener *l, const struct config_server *cfg, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int lock, r;

	if (strlen(cfg->socket) >= sizeof(sun.sun_path))
		return err_set(e, ERR_SYSTEM,
		    "socket \"%s\": its path has "
		    "%zu bytes, %zu are possible",
		    cfg->socket, strlen(cfg->socket), sizeof(sun.sun_path) - 1);
	strcpy(sun.sun_path, cfg->socket);
	strcpy(l->path, cfg->socket);
	lock = lock_dir(sun.sun_path, e);
	if (lock == -1)
		return -1;
	r = bind_locked(l, &sun, cfg->mode, e);
	close(lock);
	if (r == 0)
		make_absolute(l);
	return r;
}

int
listener_init(struct server *srv, struct err *e)
{
	struct listener *l = &srv->listener;
	int r;

	*l = (struct listener){ .fd = -1 };
	ev_init(&l->accept, accept_cb);
	ev_init(&l->pause, pause_cb);
	l->accept.data = l->pause.data = srv;
	r = take_from_systemd(l, e);
	if (r == 0)
		r = bind_own(l, &srv->cfg->server, e);
	if (r == -1) {
		listener_close(srv);
		return -1;
	}
	if (l->own && guests_any(&srv->guests) &&
	    (srv->cfg->server.mode & 066) == 0)
		log_warn(
		    "op=listen socket=%s: server.mode keeps those out whom "
		    "server.allow_users and allow_groups name",
		    l->path);
	ev_io_set(&l->accept, l->fd, EV_READ);
	ev_io_start(srv->loop, &l->accept);
	log_info("op=listen socket=%s", l->path);
	return 0;
}

void
listener_close(struct server *srv)
{
	struct listener *l = &srv->listener;
	struct stat st;

	ev_io_stop(srv->loop, &l->accept);
	ev_timer_stop(srv->loop, &l->pause);
	if (l->own && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->path);
	l->own = false;
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}
