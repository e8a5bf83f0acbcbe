/*
 * fdcloser: closes descriptors that came from others, off the loop.  The last
 * close(2) of a file can block (a slow device, a full NFS, SO_LINGER), and the
 * loop must not.  Owns one thread and a pipe to it.
 */
#ifndef DAEMON_FDCLOSER_H
#define DAEMON_FDCLOSER_H

#include "proto/err.h"

/* Starts the thread, once a process. */
int fdcloser_init(struct err *);
/* Takes FD.  Any thread; where the pipe is full it closes by itself.  Has the
 * type of stream.close_fd. */
void fdcloser_close(int fd);

#endif
