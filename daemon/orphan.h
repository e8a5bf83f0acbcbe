/*
 * orphan: finds a child whose zygote died between the fork and the word of it.
 * Such a process would run its job unknown to anybody.
 */
#ifndef DAEMON_ORPHAN_H
#define DAEMON_ORPHAN_H

#include <sys/types.h>

/*
 * The child process of this one (as a subreaper it has inherited those of the
 * dead zygote) that holds the socket of which END is a descriptor, or 0.
 * Reads /proc: milliseconds, for rare use.
 */
pid_t orphan_find(int end);

#endif
