#include "daemon/table.h"

#include <stdlib.h>

/* Linear probing; id 0 marks an empty slot. */
struct table_slot {
	uint64_t id;
	void *p;
};

static size_t
home(const struct table *t, uint64_t id)
{
	return (id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->cap - 1);
}

static void
insert(struct table *t, uint64_t id, void *p)
{
	size_t i = home(t, id);

	while (t->slots[i].id != 0)
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = (struct table_slot){ id, p };
}

static int
grow(struct table *t)
{
	struct table old = *t;

	t->cap = old.cap == 0 ? 64 : old.cap * 2;
	t->slots = calloc(t->cap, sizeof(*t->slots));
	if (t->slots == NULL) {
		*t = old;
		return -1;
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].id != 0)
			insert(t, old.slots[i].id, old.slots[i].p);
	free(old.slots);
	return 0;
}

void
table_fini(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

int
table_reserve(struct table *t, size_t n)
{
	while (n > t->cap / 2)
		if (grow(t) == -1)
			return -1;
	return 0;
}

int
table_put(struct table *t, uint64_t id, void *p)
{
	if (table_reserve(t, t->n + 1) == -1)
		return -1;
	insert(t, id, p);
	t->n++;
	return 0;
}

void *
table_get(const struct table *t, uint64_t id)
{
	if (t->cap == 0 || id == 0)
		return NULL;
	for (size_t i = home(t, id); t->slots[i].id != 0;
	    i = (i + 1) & (t->cap - 1))
		if (t->slots[i].id == id)
			return t->slots[i].p;
	return NULL;
}

void
table_del(struct table *t, uint64_t id)
{
	size_t i, j, mask = t->cap - 1;

	if (table_get(t, id) == NULL)
		return;
	for (i = home(t, id); t->slots[i].id != id; i = (i + 1) & mask)
		;
	/* Moves up whoever could not be found across the hole. */
	for (j = (i + 1) & mask; t->slots[j].id != 0; j = (j + 1) & mask) {
		size_t h = home(t, t->slots[j].id);

		if (((j - h) & mask) < ((j - i) & mask))
			continue;
		t->slots[i] = t->slots[j];
		i = j;
	}
	t->slots[i].id = 0;
	t->n--;
}
