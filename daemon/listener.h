/*
 * listener: the socket that clients connect to: systemd's or our own.  Owns
 * the socket and, where it made it, the file.
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "proto/err.h"

struct server;

struct listener {
	int fd;         /* -1 when closed */
	bool own;       /* the file is ours to unlink */
	char path[256]; /* for status; of the file where there is one */
	dev_t dev;      /* of our file, so that only ours is removed */
	ino_t ino;
	ev_io accept;
	ev_timer pause; /* after EMFILE and its like */
	bool short_of;  /* of descriptors or memory, and that was logged */
};

/*
 * Takes what systemd passes, else binds server.socket.  A socket on which
 * somebody answers is left alone and is an error; one that nobody serves is
 * replaced.  The file has the configured mode from its first moment on.
 */
int listener_init(struct server *, struct err *);
/* Stops to accept and removes our own file.  Safe twice. */
void listener_close(struct server *);

#endif
