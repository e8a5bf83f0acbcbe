/*
 * fds: which descriptors a child begins with.  The zygote keeps what its
 * preloads opened at numbers that no child's own descriptors can have, so that
 * neither has to move.
 */
#ifndef ZYGOTE_FDS_H
#define ZYGOTE_FDS_H

#include <stdbool.h>

#include "proto/err.h"

#define FDS_CONTROL 511 /* the child's control socket (PROTOCOL.md, 4) */
#define FDS_AHEAD 496   /* from here on a standby has what it opened ahead */
#define FDS_MAX_KEPT 64

/* The zygote has a descriptor for each of its children: as many as it may. */
void fds_raise(void);

/* What stays open in children, ascending, each above FDS_CONTROL. */
struct fds_kept {
	int fd[FDS_MAX_KEPT];
	unsigned n;
};

/* Occupies every free number up to FDS_CONTROL, so that what is opened from
 * now on gets a higher one.  0, or -1 with E filled. */
int fds_reserve_low(struct err *e);
/* Frees the numbers again. */
void fds_release_low(void);

bool fds_kept_has(const struct fds_kept *, int fd);
/* 0, or -1 with E filled: too many. */
int fds_keep(struct fds_kept *, int fd, struct err *e);

/*
 * In a newborn child: fds 0 to 2 become NULL_FD's file, CONTROL moves to
 * FDS_CONTROL, KEPT stays, the rest is closed.  0, or -1 with E filled.
 */
int fds_begin(int null_fd, int control, const struct fds_kept *, struct err *e);

/*
 * Puts the N descriptors FROM[] at the numbers TO[] (each below FDS_CONTROL)
 * without CLOEXEC, and closes FROM[].  0, or -1 with E filled, and *AT the
 * target at fault.
 */
int fds_place(const int *from, const int *to, unsigned n, int *at,
    struct err *e);

#endif
