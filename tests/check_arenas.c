/*
 * Python's arenas, as huge.c has them: side by side, and one at each place however
 * many interpreters, each with a lock of its own, ask at once.
 */
#include <Python.h>
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/zygote/huge.h"
#include "tests/harness.h"

#define ARENA ((size_t)256 << 10) /* eight of them to a huge page */
#define THREADS 4
#define EACH 400000

static PyObjectArenaAllocator arenas;
static uintptr_t got[THREADS][EACH];
static pthread_barrier_t at_once;

static void *
allocate(void *mine)
{
	uintptr_t *p = mine;

	pthread_barrier_wait(&at_once);
	for (size_t i = 0; i < EACH; i++)
		p[i] = (uintptr_t)arenas.alloc(arenas.ctx, ARENA);
	return NULL;
}

static int
by_address(const void *a, const void *b)
{
	const uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(each_is_had_once)
{
	uintptr_t *all = got[0];
	pthread_t threads[THREADS];

	ck_assert_int_eq(pthread_barrier_init(&at_once, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, allocate,
				     got[i]),
		    0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(all, THREADS * EACH, sizeof(*all), by_address);
	ck_assert_uint_ne(all[0], 0);
	for (size_t i = 1; i < THREADS * EACH; i++)
		ck_assert_uint_ge(all[i], all[i - 1] + ARENA);
}
END_TEST

/* There is room for it, but not for a huge page. */
START_TEST(the_last_one_is_had)
{
	struct rlimit old, few = { 0, 0 };
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	void *p;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld", &pages), 1);
	fclose(f);
	getrlimit(RLIMIT_AS, &old);
	few.rlim_max = old.rlim_max;
	few.rlim_cur = pages * sysconf(_SC_PAGESIZE) + ARENA + ARENA / 2;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &few), 0);
	p = arenas.alloc(arenas.ctx, ARENA);
	setrlimit(RLIMIT_AS, &old);
	ck_assert_ptr_nonnull(p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { each_is_had_once, the_last_one_is_had,
		NULL };

	huge_begin();
	PyObject_GetArenaAllocator(&arenas);
	return harness_main("arenas", tests);
}
