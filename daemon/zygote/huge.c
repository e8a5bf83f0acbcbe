#include "daemon/zygote/huge.h"

#include <Python.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/zygote/maps.h"

#define HUGE_PAGE ((size_t)2 << 20) /* where an ordinary page has 4096 bytes */
#define ENOUGH (HUGE_PAGE / 4)      /* bytes in use that are worth one */
#define SMALLEST (HUGE_PAGE / 8)    /* an arena; less: a stack of frames */
#define TRIES 3                     /* EAGAIN: a page was busy */

/* In the last chunk, of HUGE_PAGE bytes, or at its end.  A job's interpreters may
 * have a lock each, and ask at once; a lock here would have to be free in what is
 * forked meanwhile. */
static _Atomic(uint8_t *) next;

static void *
map(void *hint, size_t size)
{
	return mmap(hint, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static uint8_t *
round_up(uint8_t *p)
{
	return p + -(uintptr_t)p % HUGE_PAGE;
}

/* Below the one that LAST is in, where the kernel would put it too: they become one
 * mapping. */
static uint8_t *
new_chunk(uint8_t *last)
{
	uint8_t *hint = last == NULL ? NULL : round_up(last) - 2 * HUGE_PAGE;
	uint8_t *p = map(hint, HUGE_PAGE), *aligned;

	if (p == MAP_FAILED || p == round_up(p))
		return p;
	munmap(p, HUGE_PAGE);
	p = map(NULL, 2 * HUGE_PAGE);
	if (p == MAP_FAILED)
		return p;
	aligned = round_up(p);
	if (aligned > p)
		munmap(p, aligned - p);
	munmap(aligned + HUGE_PAGE, p + HUGE_PAGE - aligned);
	return aligned;
}

static void *
arena_alone(size_t size)
{
	void *p = map(NULL, size);

	return p != MAP_FAILED ? p : NULL;
}

static void *
arena_alloc(void *, size_t size)
{
	uint8_t *at = atomic_load(&next), *p;

	if (size > HUGE_PAGE || size < SMALLEST)
		return arena_alone(size);
	while ((size_t)(round_up(at) - at) >= size)
		if (atomic_compare_exchange_weak(&next, &at, at + size))
			return at;
	p = new_chunk(at);
	if (p == MAP_FAILED)
		return arena_alone(size);
	/* Where another has made one too, the rest of it is not used. */
	atomic_store(&next, p + size);
	return p;
}

static void
arena_free(void *, void *p, size_t size)
{
	munmap(p, size);
}

void
huge_begin(void)
{
	PyObjectArenaAllocator mine = { NULL, arena_alloc, arena_free };

	PyObject_SetArenaAllocator(&mine);
}

static void
add(void *used, uintptr_t, size_t size)
{
	*(size_t *)used += size;
}

static void
collapse(const struct mapping *m, void *)
{
	uintptr_t at = (uintptr_t)round_up((uint8_t *)m->at);
	size_t used;

	for (; m->anonymous && at + HUGE_PAGE <= m->end; at += HUGE_PAGE) {
		used = 0;
		maps_pages(m, at, at + HUGE_PAGE, MAPS_PRESENT, add, &used);
		for (int i = 0; i < TRIES && used >= ENOUGH; i++)
			if (madvise((void *)at, HUGE_PAGE, MADV_COLLAPSE) ==
				0 ||
			    errno != EAGAIN)
				break;
	}
}

/* The kernel would collapse all the same. */
static bool
wants_none(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[64] = "";

	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	return strstr(line, "[never]") != NULL;
}

void
huge_make(void)
{
	if (!wants_none())
		maps_each_writable(collapse, NULL);
}
