#include "daemon/zygote/compact.h"

#include <stdint.h>
#include <stdlib.h>

#include "daemon/zygote/cpython.h"

#define LARGEST (64 << 10)  /* of the holes between malloc's blocks */
#define HOLES_MAX (8 << 20) /* bytes that are filled at most */
#define ROOM 4              /* blocks of the largest size, for children */

/*
 * malloc takes the smallest hole that is large enough, and the heap's end only
 * where there is none.  So what is higher than all before it was no hole.
 */
static void
fill_holes(void)
{
	uintptr_t highest = 0;
	size_t filled = 0;

	for (size_t size = LARGEST; size >= 16;) {
		void *p = malloc(size);

		if (p == NULL || filled > HOLES_MAX) {
			free(p);
			return;
		}
		if ((uintptr_t)p > highest) {
			highest = (uintptr_t)p;
			free(p);
			size -= size > 1024 ? size / 8 / 16 * 16 : 16;
		} else {
			filled += size;
		}
	}
}

/*
 * One hole that has place for what a child of a small job allocates.  The heap's
 * end is not mapped yet: it would grow in each child, and could not be among
 * what is copied for it ahead.
 */
static void
leave_room(void)
{
	void *room[ROOM];
	[[maybe_unused]] static void *volatile end; /* of what is no hole */

	for (int i = 0; i < ROOM; i++)
		room[i] = malloc(LARGEST);
	end = malloc(1);
	for (int i = 0; i < ROOM; i++)
		free(room[i]);
}

void
compact_make(void)
{
	cpython_fill_pools();
	fill_holes();
	leave_room();
}
