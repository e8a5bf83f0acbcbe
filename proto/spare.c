#include "proto/spare.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define KEPT 0
#else
#define KEPT SPARE_PIECES
#endif

void *
spare_take(struct spare *s)
{
	for (int i = 0; i < KEPT; i++) {
		void *p = atomic_load_explicit(&s->pieces[i],
		    memory_order_relaxed);

		if (p != NULL &&
		    atomic_compare_exchange_strong(&s->pieces[i], &p, NULL))
			return p;
	}
	return NULL;
}

void *
spare_zero(struct spare *s, size_t n)
{
	void *p = spare_take(s);

	return p != NULL ? memset(p, 0, n) : calloc(1, n);
}

bool
spare_keep(struct spare *s, void *p)
{
	for (int i = 0; i < KEPT; i++) {
		void *none = NULL;

		if (atomic_load_explicit(&s->pieces[i], memory_order_relaxed) ==
			NULL &&
		    atomic_compare_exchange_strong(&s->pieces[i], &none, p))
			return true;
	}
	return false;
}

void
spare_free(struct spare *s, void *p)
{
	if (p != NULL && !spare_keep(s, p))
		free(p);
}
