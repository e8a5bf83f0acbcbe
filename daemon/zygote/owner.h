/*
 * owner: whose a thread of this process is: the library that it waits in.  A
 * thread has no name of its own unless its library gave it one.
 */
#ifndef ZYGOTE_OWNER_H
#define ZYGOTE_OWNER_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Fills TEXT (N bytes) with the file name of the first library other than the
 * C library's among the return addresses on TID's stack, or with "an unknown
 * library": where it runs just now, or the kernel does not tell.  May be wrong
 * where an old address lies in the way; never faults.
 */
void owner_of_thread(pid_t tid, char *text, size_t n);

#endif
