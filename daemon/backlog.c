#include "daemon/backlog.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 4096 /* bytes */

void
backlog_init(struct backlog *b, size_t max, bool oldest)
{
	*b = (struct backlog){ .max = max, .oldest = oldest };
}

void
backlog_fini(struct backlog *b)
{
	free(b->p);
	*b = (struct backlog){ 0 };
}

/* Makes room for NEED bytes, or for as many as there will ever be.  It grows
 * only while it has never been full, so that nothing goes round the end. */
static void
grow(struct backlog *b, size_t need)
{
	size_t cap = b->cap > 0 ? b->cap : FIRST;
	char *p;

	if (need > b->max)
		need = b->max;
	if (need <= b->cap)
		return;
	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->max = b->cap;
		return;
	}
	b->p = p;
	b->cap = cap;
}

/* N bytes, not more than fit, behind what is kept. */
static void
append(struct backlog *b, const char *p, size_t n)
{
	size_t end = (b->at + b->len) % b->cap;
	size_t first = n < b->cap - end ? n : b->cap - end;

	memcpy(b->p + end, p, first);
	memcpy(b->p, p + first, n - first);
	b->len += n;
}

void
backlog_put(struct backlog *b, const char *p, size_t n)
{
	bool full = b->total > b->len;
	size_t drop;

	b->total += n;
	if (b->oldest && full)
		return;
	grow(b, b->len + n);
	if (b->cap == 0)
		return;
	if (b->oldest) {
		append(b, p, n < b->cap - b->len ? n : b->cap - b->len);
		return;
	}
	if (n > b->cap) {
		p += n - b->cap;
		n = b->cap;
	}
	drop = b->len + n > b->cap ? b->len + n - b->cap : 0;
	b->at = (b->at + drop) % b->cap;
	b->len -= drop;
	append(b, p, n);
}

void
backlog_parts(const struct backlog *b, struct bytes part[2])
{
	size_t first = b->len < b->cap - b->at ? b->len : b->cap - b->at;

	part[0] = (struct bytes){ b->p + b->at, first };
	part[1] = (struct bytes){ b->p, b->len - first };
}

uint64_t
backlog_offset(const struct backlog *b)
{
	return b->oldest ? 0 : b->total - b->len;
}

void
backlog_trim(struct backlog *b)
{
	char *p;

	/* Full, or round the end: there is nothing to give back. */
	if (b->at != 0 || b->len == b->cap || b->len == 0)
		return;
	p = realloc(b->p, b->len);
	if (p == NULL)
		return;
	b->p = p;
	b->cap = b->max = b->len;
}
