/*
 * preload_alloc: build/tests/alloc.so, which makes allocations fail where
 * fault.so, behind it, says so.  One of its own, as sanitisers have allocations
 * of their own.
 */
#include <stdlib.h>

#include "tests/fault.h"

#define EXPORTED [[gnu::visibility("default")]]

/* glibc's, which need no dlsym: that allocates. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

EXPORTED void *
malloc(size_t n)
{
	return fault_fails(FAULT_ALLOC) ? NULL : __libc_malloc(n);
}

EXPORTED void *
calloc(size_t n, size_t size)
{
	return fault_fails(FAULT_ALLOC) ? NULL : __libc_calloc(n, size);
}

EXPORTED void *
realloc(void *p, size_t n)
{
	return fault_fails(FAULT_ALLOC) ? NULL : __libc_realloc(p, n);
}
