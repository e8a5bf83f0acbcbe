/*
 * guise: connections to the daemon as another user, or from a process that is
 * confined.  The test itself is root's.
 */
#ifndef TESTS_GUISE_H
#define TESTS_GUISE_H

#include <sys/types.h>

#include "tests/harness.h"

/* live_start with a socket that all may reach, when [server] has
 * mode = "0666". */
void guise_start(const char *config);
/* peer_open as UID with the group GID and, unless it is 0, another one. */
void guise_open(struct peer *, uid_t uid, gid_t gid, gid_t other);

/* What a process does to itself before it connects; 0, or -1 with errno. */
typedef int guise_confine(void);

/* A process that has connected, and lives until guise_end. */
struct guise {
	pid_t pid;
	struct peer p;
};

void guise_begin(struct guise *, guise_confine *);
void guise_end(struct guise *);

#endif
