/*
 * A template is in huge pages, where the kernel has any, and stays in them however
 * many children are forked from it; children have ordinary copies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/harness.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define CHILDREN 20

static bool
kernel_has_any(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[64] = "";
	uint8_t *p = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at = p + -(uintptr_t)p % HUGE_PAGE;
	bool has;

	if (f != NULL && fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	if (f != NULL)
		fclose(f);
	if (strstr(line, "[never]") != NULL)
		return false;
	ck_assert_ptr_ne(p, MAP_FAILED);
	memset(at, 1, HUGE_PAGE);
	has = madvise(at, HUGE_PAGE, MADV_COLLAPSE) == 0;
	munmap(p, 2 * HUGE_PAGE);
	return has;
}

/* The figure of the line that begins with WHAT, in KB. */
static long
memory_kb(pid_t pid, const char *what)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (kb == -1 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, what, strlen(what)) == 0)
			kb = strtol(line + strlen(what), NULL, 10);
	fclose(f);
	return kb;
}

/* A child that lives, of it all that is its own. */
static long
private_kb(struct peer *p)
{
	struct reply r;
	uint64_t id;
	long kb;

	ask(p, &r, "spawn", "{'code': 'import signal; signal.pause()'}");
	id = int_at(&r, "id");
	kb = memory_kb(int_at(&r, "pid"), "Private_Dirty:");
	reply_fini(&r);
	ask(p, &r, "kill", "{'id': %ju}", (uintmax_t)id);
	reply_fini(&r);
	wait_end(p, id, &r);
	reply_fini(&r);
	return kb;
}

START_TEST(a_template_is_and_stays)
{
	struct peer p;
	struct reply r;
	pid_t pid;
	long anonymous, huge, child;

	live_start("[template.default]\npreload = [\"trio\"]\n");
	peer_open(&p);
	pid = live_zygote(&p);
	anonymous = memory_kb(pid, "Anonymous:");
	huge = memory_kb(pid, "AnonHugePages:");
	ck_assert_int_eq(huge > 0, kernel_has_any());
	for (int i = 0; i < CHILDREN; i++) {
		run(&p, &r,
		    "{'code': 'import json; json.dumps(list(range(9999)))'}");
		ck_assert_int_eq(int_at(&r, "exit_code"), 0);
		reply_fini(&r);
	}
	/* One or two may have become the zygote's own affair. */
	ck_assert_int_ge(memory_kb(pid, "AnonHugePages:"), huge - 4096);
	child = private_kb(&p);
	ck_assert_int_gt(child, 0);
	ck_assert_int_lt(child, anonymous / 4);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_template_is_and_stays, NULL };

	return harness_main("huge", tests);
}
