/*
 * huge: a template in huge pages.  A fork copies one entry for each of them, where
 * it would copy 512, and the end of a child takes as many fewer; what a child
 * writes to is copied by the ordinary page all the same.  All of it is advice:
 * where the kernel has no huge page to give, pages stay as they are.
 */
#ifndef ZYGOTE_HUGE_H
#define ZYGOTE_HUGE_H

/* Before Python is initialised: its arenas lie side by side from now on, aligned
 * as huge pages are. */
void huge_begin(void);

/* Has what there is now, and is not mostly empty, in huge pages, unless the system
 * wants none (/sys/kernel/mm/transparent_hugepage/enabled).  For the worker
 * thread, when nothing is moved any more. */
void huge_make(void);

#endif
