/*
 * watch: whether what a template was made from has changed on disk since.  Owns
 * the kernel's watches and the time until a change is told: for the zygote's
 * main thread, so that files are looked at with the template's own rights, and
 * the daemon waits for no file system.
 */
#ifndef ZYGOTE_WATCH_H
#define ZYGOTE_WATCH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "proto/err.h"

struct watch_folder;

struct watch {
	int fd; /* readable: watch_hear; -1: nothing is watched */
	int inotify, timer;
	char **files; /* sorted */
	size_t nfiles;
	struct watch_folder *folders;
	size_t nfolders;
	size_t missed;          /* folders that the kernel has no watches for */
	uint64_t first_ns;      /* of the changes that are not told; 0: none */
	char changed[PATH_MAX]; /* the first of them */
};

/*
 * Watches PATHS, which are taken: files, and folders in which any new name
 * counts, with a slash at the end.  What has changed after SINCE
 * (CLOCK_REALTIME) counts as well.  What is not there is not watched.  0, or -1
 * with E filled: that holds for others, too, or (fd is -1 then) for all.
 */
int watch_begin(struct watch *, char **paths, struct timespec since,
    struct err *);
/* Whether W->changed is to be told now. */
bool watch_hear(struct watch *);

#endif
