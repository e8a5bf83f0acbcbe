#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/reserved.h"

/* /proc/PID/status, from its beginning.  Whether it is there. */
static bool
read_status(pid_t pid, char *buf, size_t size)
{
	char path[48];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The text behind "\nKEY:\t", or an empty one. */
static const char *
value_of(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p != NULL ? p + strlen(key) : "";
}

static bool
has_signal(const char *status, const char *key)
{
	const uint64_t set = strtoull(value_of(status, key), NULL, 16);

	return (set >> (RESERVED_SIGNAL - 1) & 1) != 0;
}

static void
read_bounds(const char *line, struct process_bounds *b, bool *found)
{
	unsigned long v;

	if (sscanf(line, "NoNewPrivs: %lu", &v) == 1) {
		b->no_new_privs = v != 0;
		*found = true;
	} else if (sscanf(line, "Seccomp: %lu", &v) == 1) {
		b->seccomp = v == 1 ? ULONG_MAX : v == 2;
	} else if (b->seccomp == 1 &&
	    sscanf(line, "Seccomp_filters: %lu", &v) == 1) {
		/* Since Linux 5.9. */
		b->seccomp = v;
	}
}

/* Of the errors of a look only those of our own stay in errno. */
static void
keep_wants(void)
{
	if (errno != ENOMEM && errno != EMFILE && errno != ENFILE)
		errno = 0;
}

bool
process_bounds(pid_t pid, struct process_bounds *b)
{
	char path[48], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *f;

	*b = (struct process_bounds){ 0 };
	errno = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	/* The line of its groups can be very long. */
	while (f != NULL && getline(&line, &size, f) != -1)
		read_bounds(line, b, &found);
	keep_wants();
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

bool
process_hard_limits(pid_t pid, rlim_t hard[RLIM_NLIMITS])
{
	char path[48], line[160], v[32];
	int found = -1; /* the first line is the head */
	FILE *f;

	errno = 0;
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	f = fopen(path, "re");
	/* In the order of their numbers; a name of 26 columns, both limits. */
	while (f != NULL && found < RLIM_NLIMITS &&
	    fgets(line, sizeof(line), f) != NULL) {
		if (found >= 0 && strlen(line) > 26 &&
		    sscanf(line + 26, "%*s %31s", v) == 1)
			hard[found] = strcmp(v, "unlimited") == 0 ?
			    RLIM_INFINITY :
			    strtoull(v, NULL, 10);
		found++;
	}
	keep_wants();
	if (f != NULL)
		fclose(f);
	return found == RLIM_NLIMITS;
}

bool
process_capable(pid_t pid, int capability)
{
	char status[4096];

	if (!read_status(pid, status, sizeof(status)))
		return false;
	return (strtoull(value_of(status, "\nCapEff:\t"), NULL, 16) >>
		       capability &
		   1) != 0;
}

bool
process_stopped(pid_t pid)
{
	char status[4096], state;

	if (!read_status(pid, status, sizeof(status)))
		return false;
	state = *value_of(status, "\nState:\t");
	return state == 'T' || state == 't';
}

const char *
process_why_deaf(pid_t pid)
{
	char status[4096];

	if (!read_status(pid, status, sizeof(status)))
		return "the child has ended, or /proc does not show it";
	switch (*value_of(status, "\nState:\t")) {
	case 'T':
		return "the child is stopped";
	case 't':
		return "a debugger has stopped the child";
	case 'Z':
	case 'X':
		return "the child has ended";
	case 'D':
		return "the child is in a system call that nothing interrupts";
	}
	if (has_signal(status, "\nSigBlk:\t"))
		return "the main thread of the child blocks the reserved "
		       "signal";
	if (!has_signal(status, "\nSigCgt:\t"))
		return "the child does not handle the reserved signal: it is "
		       "not that far, or another program by now";
	return "the child has not answered in time";
}
