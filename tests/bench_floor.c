/*
 * bench_floor: what no fork server can go below on this machine.  Does what
 * lines on standard input say, answers each with one line of figures in
 * nanoseconds.  Its memory is that of the zygote it stands for: MB of pages that
 * are its own.
 *
 *	fork    -> FIRST REAPED  bare fork, _exit, waitid: to the child's first
 *	                         instruction (by its own clock), to its reaping
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

static uint64_t *first; /* the child's clock, in a shared page */

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
	char *p = mmap(NULL, mb << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "%zu MB", mb);
	/* As a heap that grew has it: no huge pages. */
	madvise(p, mb << 20, MADV_NOHUGEPAGE);
	memset(p, 1, mb << 20);
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
		else if (strcmp(line, "socket\n") == 0)
			do_socket(echo);
		else
			errx(2, "what is: %s", line);
		fflush(stdout);
	}
	return 0;
}
