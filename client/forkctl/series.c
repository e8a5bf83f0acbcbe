#include "client/forkctl/series.h"

#include <langinfo.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/forkctl/text.h"

#define MAX_WIDTH 200
#define LEVELS 8 /* of a block character */

void
series_fini(struct series *s)
{
	free(s->ns);
	*s = (struct series){ 0 };
}

void
series_add(struct series *s, uint64_t ns)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 128 : s->cap * 2;
		s->ns = reallocarray(s->ns, s->cap, sizeof(*s->ns));
		if (s->ns == NULL)
			abort();
	}
	s->ns[s->n++] = ns;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void
series_sort(struct series *s)
{
	if (s->n > 0)
		qsort(s->ns, s->n, sizeof(*s->ns), compare);
}

uint64_t
series_quantile(const struct series *s, double share)
{
	size_t rank = (size_t)ceil(share * (double)s->n);

	return s->ns[rank == 0 ? 0 : rank - 1];
}

void
axis_init(struct axis *x, const struct series *const *all, size_t n,
    size_t width)
{
	*x = (struct axis){ .low = INFINITY, .high = 0 };
	for (size_t i = 0; i < n; i++)
		if (all[i]->n > 0) {
			x->low = fmin(x->low, (double)all[i]->ns[0]);
			x->high = fmax(x->high,
			    (double)all[i]->ns[all[i]->n - 1]);
		}
	/* Equal ones have a column, too. */
	x->low = fmax(x->low, 1) * .95;
	x->high = fmax(x->high * 1.05, x->low * 2);
	x->width = width > MAX_WIDTH ? MAX_WIDTH : width < 16 ? 16 : width;
}

static size_t
column(const struct axis *x, double ns)
{
	double share = log(ns / x->low) / log(x->high / x->low);
	double at = share * (double)x->width;

	return at < 0 ? 0 : at >= (double)x->width ? x->width - 1 : (size_t)at;
}

static const char *
block(size_t level)
{
	static const char *const utf8[LEVELS + 1] = { " ", "▁", "▂", "▃", "▄",
		"▅", "▆", "▇", "█" };
	static const char *const ascii[LEVELS + 1] = { " ", ".", ".", ".", ":",
		":", ":", "#", "#" };
	bool can = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	return (can ? utf8 : ascii)[level];
}

void
axis_print(const struct axis *x, const struct series *s, size_t rows, FILE *f)
{
	size_t count[MAX_WIDTH] = { 0 }, most = 1, full = rows * LEVELS;

	for (size_t i = 0; i < s->n; i++) {
		size_t c = column(x, (double)s->ns[i]);

		count[c]++;
		most = count[c] > most ? count[c] : most;
	}
	for (size_t row = rows; row-- > 0;) {
		size_t last = 0;

		for (size_t c = 0; c < x->width; c++) {
			/* One child is seen, however many others are. */
			size_t h = (count[c] * full + most - 1) / most;
			size_t under = row * LEVELS;
			size_t level = h <= under ? 0 :
			    h - under > LEVELS    ? LEVELS :
						    h - under;

			if (level == 0)
				continue;
			fprintf(f, "%*s%s", (int)(c - last), "", block(level));
			last = c + 1;
		}
		fputc('\n', f);
	}
}

void
axis_print_scale(const struct axis *x, FILE *f)
{
	static const double steps[] = { 1, 2, 5 };
	size_t last = 0;

	for (int decade = (int)floor(log10(x->low));
	    decade <= (int)floor(log10(x->high)); decade++)
		for (size_t i = 0; i < 3; i++) {
			double ns = pow(10, decade) * steps[i];
			char buf[32];
			size_t c;

			if (ns < x->low || ns > x->high)
				continue;
			text_duration(buf, sizeof(buf), (uint64_t)(ns + .5));
			c = column(x, ns);
			/* Two may not touch, nor one go over the edge. */
			if ((last > 0 && c < last + 2) ||
			    c + 1 + strlen(buf) > x->width)
				continue;
			fprintf(f, "%*s'%s", (int)(c - last), "", buf);
			last = c + 1 + strlen(buf);
		}
	fputc('\n', f);
}
