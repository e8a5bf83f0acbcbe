#include "tests/fault.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/scratch.h"

static struct faults *faults;
static char file[64];

static void
preload(void)
{
	char dir[PATH_MAX], *all;

	ck_assert(realpath("build/tests", dir) != NULL);
	ck_assert(asprintf(&all, "%s/alloc.so:%s/fault.so", dir, dir) > 0);
	setenv("LD_PRELOAD", sanitised() ? strchr(all, ':') + 1 : all, 1);
	free(all);
}

/* ASan wants to be the first. */
static void
let_asan_be_second(void)
{
	const char *old = getenv("ASAN_OPTIONS");
	char *all;

	ck_assert(asprintf(&all, "%s:verify_asan_link_order=0",
		      old != NULL ? old : "") > 0);
	setenv("ASAN_OPTIONS", all, 1);
	free(all);
}

static void
start(const char *config, void (*how)(const char *))
{
	int fd;

	strcpy(file, scratch("check"));
	fd = mkstemp(file);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, sizeof(*faults)), 0);
	faults = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	ck_assert(faults != MAP_FAILED);
	close(fd);
	setenv(FAULT_VARIABLE, file, 1);
	if (sanitised())
		let_asan_be_second();
	preload();
	how(config);
	unsetenv("LD_PRELOAD");
	unsetenv(FAULT_VARIABLE);
}

void
fault_start(const char *config)
{
	start(config, live_start);
}

void
fault_start_standbys(const char *config)
{
	start(config, live_start_standbys);
}

void
fault_stop(void)
{
	live_stop();
	munmap(faults, sizeof(*faults));
	unlink(file);
}

void
fault_set(enum fault_program p, enum fault_call c, unsigned first,
    unsigned times, int error)
{
	struct fault *f = &faults->of[p][c];

	f->seen = f->met = 0;
	f->first = first;
	f->error = error;
	f->times = times;
}

unsigned
fault_clear(enum fault_program p, enum fault_call c)
{
	struct fault *f = &faults->of[p][c];

	f->times = 0;
	return f->met;
}

unsigned
fault_seen(enum fault_program p, enum fault_call c)
{
	return faults->of[p][c].seen;
}
