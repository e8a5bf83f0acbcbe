/*
 * setup: puts a child into the surroundings that its job asks for, as far as
 * the kernel and libc know them: descriptors, terminal, umask, directory,
 * files, environment, limits, title.  Knows nothing of Python.
 */
#ifndef ZYGOTE_SETUP_H
#define ZYGOTE_SETUP_H

#include "proto/err.h"
#include "proto/spawn.h"

/* What a set-up error reply names (PROTOCOL.md, spawn). */
struct setup_fault {
	const char *step;  /* "fds", "tty", "cwd", "umask", "files",
			   * "env", "limits" */
	char object[4096]; /* path or number; cut */
	struct err err;    /* err.sys is the errno */
};

/* FROM: the descriptors that came with the job, JOB->nfds of them; owned by
 * this call.  0, or -1 with F filled. */
int setup_apply(const struct spawn *job, const int *from,
    struct setup_fault *f);

#endif
