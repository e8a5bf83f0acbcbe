#include "daemon/zygote/wset.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_RANGES 4096
#define MAX_FILES 256
#define CHUNK 512  /* pages that are looked up at once */
#define BATCH 1024 /* ranges of a call: UIO_MAXIOV */
/* Of an entry of /proc/PID/pagemap. */
#define PAGE_PRESENT (1ull << 63)
#define PAGE_EXCLUSIVE (1ull << 56)
/* This process in the place of a pidfd, since Linux 6.14. */
#define SELF (-10000)

struct wset {
	size_t nfiles, n;
	uintptr_t files[MAX_FILES]; /* a page of each mapping that was read */
	struct iovec ranges[MAX_RANGES];
};

static struct wset *shared; /* with the rehearsal */
static struct wset *own;

void
wset_prepare(void)
{
	void *p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	shared = p != MAP_FAILED ? p : NULL;
}

/*
 * A fork leaves out the page tables of a mapping of a file, which its child has
 * to fault in again, unless a page of it was written to (vma_needs_copy() in
 * mm/memory.c).  So one byte is written over itself, by the way that debuggers
 * take: the page is executable or constant, and stays that.
 */
static void
keep_mapped(const uintptr_t *files, size_t n)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	uint8_t byte;

	for (size_t i = 0; mem != -1 && i < n; i++)
		if (pread(mem, &byte, 1, files[i]) != 1 ||
		    pwrite(mem, &byte, 1, files[i]) != 1)
			break;
	if (mem != -1)
		close(mem);
}

void
wset_take(void)
{
	size_t n = shared != NULL ? shared->n : 0;

	free(own);
	own = NULL;
	/* A copy, as later children are not to change each other's. */
	if (n > 0 && n <= MAX_RANGES && shared->nfiles <= MAX_FILES)
		own = malloc(offsetof(struct wset, ranges[n]));
	if (own != NULL) {
		memcpy(own, shared, offsetof(struct wset, ranges[n]));
		keep_mapped(own->files, own->nfiles);
	}
	if (shared != NULL)
		munmap(shared, sizeof(*shared));
	shared = NULL;
}

/* A page further: of the last range, where it is next to it.  Ranges are not
 * merged over gaps: copying what is not needed costs more than a range. */
static bool
learn_written(uintptr_t at, size_t page)
{
	struct iovec *next = &shared->ranges[shared->n];

	if (shared->n > 0 &&
	    (uintptr_t)next[-1].iov_base + next[-1].iov_len == at)
		next[-1].iov_len += page;
	else if (shared->n < MAX_RANGES) {
		*next = (struct iovec){ (void *)at, page };
		shared->n++;
	}
	return true;
}

/* Calls FN for each page of the mapping whose entry has all of BITS, until it
 * returns false. */
static void
learn_mapping(int pagemap, uintptr_t at, uintptr_t end, uint64_t bits,
    bool (*fn)(uintptr_t at, size_t page))
{
	const size_t page = sysconf(_SC_PAGESIZE);
	uint64_t entries[CHUNK];

	while (at < end) {
		size_t n = (end - at) / page;
		ssize_t got = pread(pagemap, entries,
		    (n < CHUNK ? n : CHUNK) * sizeof(*entries),
		    at / page * sizeof(*entries));

		if (got < (ssize_t)sizeof(*entries))
			return;
		for (size_t i = 0; i < got / sizeof(*entries); i++, at += page)
			if ((entries[i] & bits) == bits && !fn(at, page))
				return;
	}
}

/* The first that is there is enough. */
static bool
learn_read(uintptr_t at, size_t page)
{
	(void)page;
	if (shared->nfiles < MAX_FILES)
		shared->files[shared->nfiles++] = at;
	return false;
}

void
wset_learn(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t at, end;
	uint64_t inode;
	char line[4352], may[5];

	if (shared != NULL)
		shared->n = shared->nfiles = 0;
	while (shared != NULL && pagemap != -1 && maps != NULL &&
	    fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line,
			"%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %" SCNu64, &at,
			&end, may, &inode) != 4 ||
		    may[3] != 'p')
			continue;
		if (may[1] == 'w')
			learn_mapping(pagemap, at, end,
			    PAGE_PRESENT | PAGE_EXCLUSIVE, learn_written);
		else if (inode != 0)
			learn_mapping(pagemap, at, end, PAGE_PRESENT,
			    learn_read);
	}
	if (maps != NULL)
		fclose(maps);
	if (pagemap != -1)
		close(pagemap);
}

static void
populate_each(const struct iovec *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		madvise(r[i].iov_base, r[i].iov_len, MADV_POPULATE_WRITE);
}

void
wset_populate(void)
{
	size_t at = 0;

	while (own != NULL && at < own->n) {
		const struct iovec *r = &own->ranges[at];
		size_t n = own->n - at < BATCH ? own->n - at : BATCH;
		ssize_t done = syscall(SYS_process_madvise, SELF, r, n,
		    MADV_POPULATE_WRITE, 0);

		if (done == -1 && errno != ENOMEM) {
			populate_each(r, n);
			at += n;
			continue;
		}
		for (; n > 0 && done >= (ssize_t)r->iov_len; n--, at++)
			done -= r++->iov_len;
		/* What the rehearsal had mapped and this process has not. */
		if (n > 0)
			at++;
	}
}
