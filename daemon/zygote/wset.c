#include "daemon/zygote/wset.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/zygote/maps.h"

#define MAX_RANGES 4096
#define BATCH 1024 /* ranges of a call: UIO_MAXIOV */
/* This process in the place of a pidfd, since Linux 6.14. */
#define SELF (-10000)

struct list {
	size_t n;
	struct iovec ranges[MAX_RANGES];
};

struct wset {
	struct list first, all;
};

static struct wset *shared; /* with the rehearsal */
static struct list *own_first, *own_all;

void
wset_prepare(void)
{
	void *p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	shared = p != MAP_FAILED ? p : NULL;
}

/* A copy, as later children are not to change each other's. */
static void
take(struct list **own, const struct list *l)
{
	free(*own);
	*own = NULL;
	if (l == NULL || l->n == 0 || l->n > MAX_RANGES)
		return;
	*own = malloc(offsetof(struct list, ranges[l->n]));
	if (*own != NULL)
		memcpy(*own, l, offsetof(struct list, ranges[l->n]));
}

void
wset_take(void)
{
	take(&own_first, shared != NULL ? &shared->first : NULL);
	take(&own_all, shared != NULL ? &shared->all : NULL);
	if (shared != NULL)
		munmap(shared, sizeof(*shared));
	shared = NULL;
}

/* A page further: of the last range, where it is next to it.  Ranges are not
 * merged over gaps: copying what is not needed costs more than a range. */
static void
learn_page(void *ctx, uintptr_t at, size_t size)
{
	struct list *l = ctx;
	struct iovec *last = &l->ranges[l->n] - 1;

	if (l->n > 0 && (uintptr_t)last->iov_base + last->iov_len == at)
		last->iov_len += size;
	else if (l->n < MAX_RANGES)
		l->ranges[l->n++] = (struct iovec){ (void *)at, size };
}

static void
learn_mapping(const struct mapping *m, void *list)
{
	maps_pages(m, m->at, m->end, MAPS_PRESENT | MAPS_EXCLUSIVE, learn_page,
	    list);
}

void
wset_learn(void)
{
	struct list *l;

	if (shared == NULL)
		return;
	l = shared->first.n == 0 ? &shared->first : &shared->all;
	l->n = 0;
	maps_each_writable(learn_mapping, l);
}

static void
populate_each(const struct iovec *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		madvise(r[i].iov_base, r[i].iov_len, MADV_POPULATE_WRITE);
}

static void
populate(const struct list *l)
{
	size_t at = 0;

	while (l != NULL && at < l->n) {
		const struct iovec *r = &l->ranges[at];
		size_t n = l->n - at < BATCH ? l->n - at : BATCH;
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

void
wset_populate(void)
{
	populate(own_first);
}

void
wset_populate_all(void)
{
	populate(own_all);
}
