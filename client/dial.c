/*
 * dial: which socket is the daemon's, and the connect to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/conn.h"

#define SYSTEM_SOCKET "/run/forkserverd.sock"

static int
set_nonblock(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	return fl == -1 ? -1 : fcntl(fd, F_SETFL, fl | O_NONBLOCK);
}

static int
dial_path(const char *path, int timeout_ms, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(e, ERR_SYSTEM,
		    "socket path \"%s\" is longer than %zu bytes", path,
		    sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, errno, "make a socket");
	/*
	 * A connect to a full backlog waits in the kernel for as long as the
	 * send time-out says; a non-blocking one cannot be polled for.
	 */
	if (timeout_ms == 0)
		tv.tv_usec = 1;
	if (timeout_ms >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
		if (errno == EAGAIN)
			err_set(e, ERR_TIMEOUT,
			    "connect to \"%s\": "
			    "not accepted within %d ms",
			    path, timeout_ms);
		else
			err_sys(e, errno, "connect to \"%s\"", path);
		close(fd);
		return -1;
	}
	if (set_nonblock(fd) == -1) {
		err_sys(e, errno, "make a socket non-blocking");
		close(fd);
		return -1;
	}
	return fd;
}

int
conn_dial(const char *path, int timeout_ms, struct err *e)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char user[4096] = "";
	int fd;

	if (path == NULL)
		path = getenv("FORKSERVER_SOCKET");
	if (path != NULL)
		return dial_path(path, timeout_ms, e);
	if (dir != NULL && dir[0] == '/') {
		snprintf(user, sizeof(user), "%s/forkserverd.sock", dir);
		fd = dial_path(user, timeout_ms, e);
		/* Only where no daemon of the user's is there at all does the
		 * system's take its place. */
		if (fd != -1 || (e->sys != ENOENT && e->sys != ECONNREFUSED))
			return fd;
	}
	fd = dial_path(SYSTEM_SOCKET, timeout_ms, e);
	if (fd == -1 && user[0] != '\0' &&
	    (e->sys == ENOENT || e->sys == ECONNREFUSED))
		return err_set(e, ERR_SYSTEM,
		    "no daemon listens on \"%s\" "
		    "nor on \"%s\"",
		    user, SYSTEM_SOCKET);
	return fd;
}
