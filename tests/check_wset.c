/*
 * A working set that one process learns is there in later ones before they
 * touch it: what was written, and no more, is copied.  As the zygote and its children do it, without CPython.
 */
#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/zygote/wset.h"
#include "tests/harness.h"

#define PAGES 64
#define EXCLUSIVE (1ull << 56) /* a single process has it */

static size_t page;
static uint8_t *memory;

static void
map(void)
{
	page = sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	for (size_t i = 0; i < PAGES; i++)
		memory[i * page] = i;
}

static bool
page_has(const void *at, uint64_t bits)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd == -1 ||
	    pread(fd, &entry, sizeof(entry),
		(uintptr_t)at / page * sizeof(entry)) != sizeof(entry))
		abort();
	close(fd);
	return (entry & bits) == bits;
}

/* The exit status of FN in a child. */
static int
in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(fn());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The last word of a run and a page alone. */
static bool
is_written(size_t i)
{
	return (i >= 3 && i <= 7) || i == 40 || i == PAGES - 1;
}

static int
write_some(void)
{
	for (size_t i = 0; i < PAGES; i++)
		if (is_written(i))
			memory[i * page] = 0;
	wset_learn();
	return 0;
}

/* Each test is a process of its own, which unmaps it. */
static void
learn(void)
{
	map();
	wset_prepare();
	ck_assert_int_eq(in_child(write_some), 0);
	wset_take();
}

/* 0, or the number of the check that failed. */
static int
look(void)
{
	for (size_t i = 0; i < PAGES; i++)
		if (page_has(memory + i * page, EXCLUSIVE))
			return 1;
	wset_populate();
	for (size_t i = 0; i < PAGES; i++)
		if (page_has(memory + i * page, EXCLUSIVE) != is_written(i))
			return 2;
	for (size_t i = 0; i < PAGES; i++)
		if (memory[i * page] != i)
			return 3;
	return 0;
}

START_TEST(what_was_written_is_copied_ahead)
{
	learn();
	ck_assert_int_eq(in_child(look), 0);
	/* And nobody else's is changed by it. */
	ck_assert_int_eq(in_child(look), 0);
}
END_TEST

static int
look_beyond_a_hole(void)
{
	munmap(memory + 5 * page, page);
	munmap(memory + 40 * page, page);
	wset_populate();
	if (!page_has(memory + 3 * page, EXCLUSIVE))
		return 1;
	return page_has(memory + (PAGES - 1) * page, EXCLUSIVE) ? 0 : 2;
}

START_TEST(what_is_not_mapped_any_more_is_passed_over)
{
	learn();
	ck_assert_int_eq(in_child(look_beyond_a_hole), 0);
}
END_TEST

static int
say_nothing(void)
{
	return 0;
}

static int
look_for_nothing(void)
{
	wset_populate();
	for (size_t i = 0; i < PAGES; i++)
		if (page_has(memory + i * page, EXCLUSIVE))
			return 1;
	return 0;
}

/* As when a rehearsal dies. */
START_TEST(one_that_learns_nothing_leaves_nothing)
{
	learn();
	wset_prepare();
	ck_assert_int_eq(in_child(say_nothing), 0);
	wset_take();
	ck_assert_int_eq(in_child(look_for_nothing), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { what_was_written_is_copied_ahead,
		what_is_not_mapped_any_more_is_passed_over,
		one_that_learns_nothing_leaves_nothing, NULL };

	return harness_main("wset", tests);
}
