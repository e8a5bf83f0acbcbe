/*
 * stacks: the Python stacks of all threads of this process as text, from
 * inside a signal handler: also while a thread is in a C call that holds the
 * GIL.  It allocates nothing, takes no lock and never touches Python's memory
 * itself: the kernel copies it, so that what another thread changes or frees
 * meanwhile is a line less and not a crash (which it can be for faulthandler).
 */
#ifndef ZYGOTE_STACKS_H
#define ZYGOTE_STACKS_H

#include <Python.h>
#include <stddef.h>

/* Whose threads they are.  NULL: there is nothing to be had, CPython's layout
 * is not known. */
void stacks_init(PyInterpreterState *);

/* Writes the text, at most MAX bytes of UTF-8, into BUF; returns its length, 0
 * where nothing can be read. */
size_t stacks_write(char *buf, size_t max);

#endif
