/*
 * child_ctl: the control socket of a child, our end of it: the job that waits
 * there for the child's birth, its answer, `cancel`, `done`.  What a child
 * says is not trusted: one that breaks the protocol is killed.
 */
#ifndef DAEMON_CHILD_CTL_H
#define DAEMON_CHILD_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/spawn.h"

struct child;

/* Makes the socket pair; the child's end becomes c->child_end. */
int child_ctl_open(struct child *, struct err *);
/* Takes FD, our end of one that is there already, where nothing is unread.
 * -1: no memory; then FD is still the caller's. */
int child_ctl_take(struct child *, int fd, struct err *);
/* Writes the job.  Takes the descriptors FDS, s->nfds of them. */
int child_ctl_job(struct child *, const struct spawn *, int *fds, struct err *);

/* What a child is told behind its job. */
enum child_word {
	CHILD_CANCEL, /* with its grace in ns */
	CHILD_LEASE,  /* by child_ctl_lease */
	CHILD_PING,   /* these with a number */
	CHILD_DUMP,
	CHILD_STACKS,
};
#define CHILD_WORDS (CHILD_STACKS + 1)

/* Where it does not read, it is told the last of each kind once it does.  -1:
 * the child has closed its end, as by an exec. */
int child_ctl_tell(struct child *, enum child_word, uint64_t n);
/* Says whether it is leased now.  What it has become does not hear it. */
void child_ctl_lease(struct child *);

/* Reads all that is there: the child has exited, or was to have said
 * something. */
void child_ctl_drain(struct child *);
/* Whether all that was written is still there, before the fork is known: no
 * process has read of it. */
bool child_ctl_untouched(const struct child *);
/* NULL-safe for children without one. */
void child_ctl_close(struct child *);
/* Bytes of jobs that wait for their children to read them, of all children:
 * they are the daemon's memory, sized by clients. */
uint64_t child_ctl_waiting(void);

#endif
