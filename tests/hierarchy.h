/*
 * hierarchy: control groups (v2), mounted for one test in a mount namespace of
 * its own, and one of them that is the daemon's to divide.
 */
#ifndef TESTS_HIERARCHY_H
#define TESTS_HIERARCHY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/harness.h"

extern char hierarchy_mounted[64];
extern char hierarchy_home[128]; /* the daemon's group */

/* Makes the daemon's group, marked as delegated with MARK, and enters it, so
 * that a daemon that is started now is there.  False: it cannot be, and that
 * has been said, with the name of the test. */
bool hierarchy_enter(const char *name, bool mark);
/* Back to where the test has come from. */
void hierarchy_leave(void);
/* Removes all; nothing may be left of children's groups. */
void hierarchy_finish(void);

/* Writes TEXT to a file of the folder DIR.  0, or -1. */
int hierarchy_put(const char *dir, const char *file, const char *text);
/* The part of /proc/PID/cgroup behind "0::". */
const char *group_of(pid_t);
const char *last_part(const char *path);
/* The folder of child ID's group. */
const char *folder(struct peer *, uint64_t id);
/* Waits for the folder's end. */
void folder_gone(const char *path);

#endif
