#include "proto/reserve.h"

#include <stdlib.h>

#define SIZE (256 << 10) /* never touched: addresses, but no pages */

static void *reserve;

void
reserve_fill(void)
{
	if (reserve == NULL)
		reserve = malloc(SIZE);
}

bool
reserve_spend(void)
{
	const bool there = reserve != NULL;

	free(reserve);
	reserve = NULL;
	return there;
}

void *
reserve_realloc(void *p, size_t n)
{
	void *q = realloc(p, n);

	return q != NULL || !reserve_spend() ? q : realloc(p, n);
}
