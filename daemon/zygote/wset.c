#include "daemon/zygote/wset.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_RANGES 4096
#define CHUNK 512 /* pages that are looked up at once */
/* Of an entry of /proc/PID/pagemap. */
#define PAGE_PRESENT (1ull << 63)
#define PAGE_EXCLUSIVE (1ull << 56)

struct wset {
	size_t n;
	struct {
		uintptr_t at;
		size_t size;
	} ranges[MAX_RANGES];
};

static struct wset *shared; /* with the canary */
static struct wset *own;

void
wset_prepare(void)
{
	void *p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	shared = p != MAP_FAILED ? p : NULL;
}

void
wset_take(void)
{
	size_t n = shared != NULL ? shared->n : 0;

	free(own);
	own = NULL;
	/* A copy, as later children are not to change each other's. */
	if (n > 0 && n <= MAX_RANGES)
		own = malloc(offsetof(struct wset, ranges[n]));
	if (own != NULL)
		memcpy(own, shared, offsetof(struct wset, ranges[n]));
	if (shared != NULL)
		munmap(shared, sizeof(*shared));
	shared = NULL;
}

/* A page further: of the last range, where it is next to it.  Ranges are not
 * merged over gaps: copying what is not needed costs more than a call. */
static void
add(uintptr_t at, size_t page)
{
	size_t n = shared->n;

	if (n > 0 &&
	    shared->ranges[n - 1].at + shared->ranges[n - 1].size == at)
		shared->ranges[n - 1].size += page;
	else if (n < MAX_RANGES) {
		shared->ranges[n].at = at;
		shared->ranges[n].size = page;
		shared->n = n + 1;
	}
}

static void
learn_mapping(int pagemap, uintptr_t at, uintptr_t end)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	const uint64_t mine = PAGE_PRESENT | PAGE_EXCLUSIVE;
	uint64_t entries[CHUNK];

	while (at < end) {
		size_t n = (end - at) / page;
		ssize_t got = pread(pagemap, entries,
		    (n < CHUNK ? n : CHUNK) * sizeof(*entries),
		    at / page * sizeof(*entries));

		if (got < (ssize_t)sizeof(*entries))
			return;
		for (size_t i = 0; i < got / sizeof(*entries); i++, at += page)
			if ((entries[i] & mine) == mine)
				add(at, page);
	}
}

void
wset_learn(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t at, end;
	char line[4352], may[5];

	if (shared != NULL)
		shared->n = 0;
	while (shared != NULL && pagemap != -1 && maps != NULL &&
	    fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &at, &end,
			may) == 3 &&
		    may[1] == 'w' && may[3] == 'p')
			learn_mapping(pagemap, at, end);
	if (maps != NULL)
		fclose(maps);
	if (pagemap != -1)
		close(pagemap);
}

void
wset_populate(void)
{
	/* What the canary had mapped and this process has not fails. */
	for (size_t i = 0; own != NULL && i < own->n; i++)
		madvise((void *)own->ranges[i].at, own->ranges[i].size,
		    MADV_POPULATE_WRITE);
}
