/*
 * immortal: which objects of a template need no count of their references, so
 * that a child that merely uses them does not get a copy of their page each.
 * For the worker thread, with the template's thread state current.
 *
 * Immortal is what a program does not notice: whose end would free memory, do
 * nothing else, and end nothing else that does more.  See CPYTHON.md, section 3.
 */
#ifndef ZYGOTE_IMMORTAL_H
#define ZYGOTE_IMMORTAL_H

#include "proto/err.h"

/* Makes what there is now immortal.  0, or -1 with E: there was no memory to
 * list it. */
int immortal_make(struct err *e);

#endif
