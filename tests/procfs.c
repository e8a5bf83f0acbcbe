#include "tests/procfs.h"

#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/clock.h"
#include "tests/harness.h"

int
fd_count(pid_t pid)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	ck_assert_msg(d != NULL, "%s", path);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

long
rss_kb(pid_t pid)
{
	char path[64];
	long size, rss = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	ck_assert(f != NULL);
	ck_assert_int_eq(fscanf(f, "%ld %ld", &size, &rss), 2);
	fclose(f);
	return rss * (sysconf(_SC_PAGESIZE) / 1024);
}

long
fault_count(pid_t pid)
{
	char path[64];
	long n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_int_eq(fscanf(f,
			     "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %ld",
			     &n),
	    1);
	fclose(f);
	return n;
}

char
process_state(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return '?';
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(f);
	return state;
}

static void
await_state(pid_t pid, const char *states, const char *not_yet)
{
	uint64_t end = clock_ns() + DEADLINE_S * NS_PER_S;
	struct pollfd none = { .fd = -1 };

	/* It may be anybody's child: there is no event to wait for. */
	while (strchr(states, process_state(pid)) == NULL) {
		ck_assert_msg(clock_ns() < end, "process %d %s", (int)pid,
		    not_yet);
		poll(&none, 1, 5);
	}
}

void
process_gone(pid_t pid)
{
	await_state(pid, "?Z", "lives");
}

void
process_reaped(pid_t pid)
{
	await_state(pid, "?", "is not reaped");
}

void
process_asleep(pid_t pid)
{
	await_state(pid, "S", "does not sleep");
}

static pid_t
parent_of(pid_t pid)
{
	char path[64];
	int ppid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %d", &ppid) != 1)
		ppid = 0;
	fclose(f);
	return ppid;
}

unsigned
process_kids(pid_t parent, pid_t *pids, unsigned max)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned n = 0;

	ck_assert(d != NULL);
	while ((e = readdir(d)) != NULL) {
		pid_t pid = atoi(e->d_name);

		if (pid > 0 && parent_of(pid) == parent &&
		    process_state(pid) != 'Z') {
			ck_assert_uint_lt(n, max);
			pids[n++] = pid;
		}
	}
	closedir(d);
	return n;
}
