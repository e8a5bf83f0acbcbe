/*
 * bench_floor: what no fork server can go below on this machine.  Does what
 * lines on standard input say, answers each with one line of figures in
 * nanoseconds.  Its memory is that of the zygote it stands for: MB of pages that
 * are its own.
 *
 *	fork    -> FIRST REAPED  bare fork, _exit, waitid: to the child's first
 *	                         instruction (by its own clock), to its reaping
 *	fault   -> NS            CPU time of one page fault of a forked child, in
 *	                         memory that it shares with this process
 *	socket  -> NS            64 bytes to another process and back, over a UNIX
 *	                         socket
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/clock.h"

#define MESSAGE 64 /* bytes, about those of a spawn */

#define FAULTS 500

static uint64_t *first; /* the child's clock, in a shared page */
static char *memory;    /* as the zygote's */
static size_t page;

static void
do_fork(void)
{
	uint64_t begun = clock_ns();
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0) {
		*first = clock_ns();
		_exit(0);
	}
	if (pid == -1 || waitid(P_PID, pid, &si, WEXITED) == -1)
		err(1, "fork");
	printf("%" PRIu64 " %" PRIu64 "\n", *first - begun, clock_ns() - begun);
}

static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* How much slower than elsewhere this machine's memory is: a warm start is
 * hundreds of these. */
static void
do_fault(size_t mb)
{
	size_t n = (mb << 20) / page;
	siginfo_t si;
	pid_t pid = fork();

	n = n < FAULTS ? n : FAULTS;
	if (n == 0)
		errx(1, "%zu MB are no page", mb);
	if (pid == 0) {
		uint64_t begun = cpu_ns();

		for (size_t i = 0; i < n; i++)
			memory[i * page] = 2;
		*first = (cpu_ns() - begun) / n;
		_exit(0);
	}
	if (pid == -1 || waitid(P_PID, pid, &si, WEXITED) == -1)
		err(1, "fork");
	printf("%" PRIu64 "\n", *first);
}

static void
do_socket(int fd)
{
	char message[MESSAGE] = { 0 };
	uint64_t begun = clock_ns();

	if (write(fd, message, MESSAGE) != MESSAGE ||
	    recv(fd, message, MESSAGE, MSG_WAITALL) != MESSAGE)
		err(1, "socket");
	printf("%" PRIu64 "\n", clock_ns() - begun);
}

/* Ends with its peer. */
static int
start_echo(void)
{
	char message[MESSAGE];
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		err(1, "socketpair");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(sv[0]);
		while (recv(sv[1], message, MESSAGE, MSG_WAITALL) == MESSAGE)
			if (write(sv[1], message, MESSAGE) != MESSAGE)
				break;
		_exit(0);
	}
	close(sv[1]);
	return sv[0];
}

static void
take_memory(size_t mb)
{
	memory = mmap(NULL, mb << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "%zu MB", mb);
	/* As a heap that grew has it: no huge pages. */
	madvise(memory, mb << 20, MADV_NOHUGEPAGE);
	memset(memory, 1, mb << 20);
	page = (size_t)sysconf(_SC_PAGESIZE);
}

int
main(int argc, char **argv)
{
	char line[64];
	int echo;

	if (argc != 2 || atoi(argv[1]) < 1 || atoi(argv[1]) > 4096)
		errx(2, "usage: bench_floor MB");
	echo = start_echo();
	take_memory(atoi(argv[1]));
	first = mmap(NULL, sizeof(*first), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (first == MAP_FAILED)
		err(1, "a shared page");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, "fork\n") == 0)
			do_fork();
		else if (strcmp(line, "fault\n") == 0)
			do_fault(atoi(argv[1]));
		else if (strcmp(line, "socket\n") == 0)
			do_socket(echo);
		else
			errx(2, "what is: %s", line);
		fflush(stdout);
	}
	return 0;
}
