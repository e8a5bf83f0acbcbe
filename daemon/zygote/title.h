/*
 * title: the command line that ps and /proc/PID/cmdline show.  Owns the memory
 * in which the kernel put argv and the environment.
 */
#ifndef ZYGOTE_TITLE_H
#define ZYGOTE_TITLE_H

#include <stdbool.h>

/*
 * To be called first in main, before anything keeps pointers into the
 * environment: moves the environment's strings to the heap, so that their
 * room can hold longer titles.  No title can be set when memory is out.
 */
void title_init(int argc, char **argv);

/*
 * Shows TEXT, cut to the room there is, and the first 15 bytes of NAME as the
 * process's short name.  In the latter a space would mislead whoever splits
 * /proc/PID/stat at spaces, as os.fork() does to count threads, so that spaces
 * and parentheses become `-`.  Makes no allocation.
 */
void title_set(const char *text, const char *name);
/* Of a process that is nobody's child yet: "forkserver-KIND: TEMPLATE". */
void title_kind(const char *kind, const char *template, bool cold);

#endif
