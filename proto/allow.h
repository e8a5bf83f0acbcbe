/*
 * allow: what a preload may leave open or running only where its template
 * allows that class of things.  Owns the names, as they stand in the
 * configuration and in `configure`.
 */
#ifndef PROTO_ALLOW_H
#define PROTO_ALLOW_H

enum allow_class {
	ALLOW_SOCKETS,
	ALLOW_EVENTS, /* epoll, eventfd, timerfd, inotify and their like */
	ALLOW_PIPES,
	ALLOW_FILES, /* that can be written to */
	ALLOW_DEVICES,
	ALLOW_THREADS,
	ALLOW_NONE, /* needs no leave */
};

/* In the order of enum allow_class, NULL-terminated. */
#define ALLOW_NAMES \
	{ "sockets", "events", "pipes", "files", "devices", "threads", NULL }

#endif
