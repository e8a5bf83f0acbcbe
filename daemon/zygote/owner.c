#include "daemon/zygote/owner.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_STACK (256 << 10) /* bytes that are looked at */
#define CHUNK 4096
#define MAX_NAPS 200 /* of a millisecond */

/* Where the thread waits in the kernel, proc_pid_syscall(5); 0: it does not. */
static uintptr_t
stack_pointer(pid_t tid)
{
	char path[64];
	unsigned long sp = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%*d %*x %*x %*x %*x %*x %*x %lx", &sp) != 1)
		sp = 0;
	fclose(f);
	return sp;
}

/* One that has just been started may not have come to where it waits; nothing
 * tells when it has. */
static uintptr_t
settled(pid_t tid)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	uintptr_t sp = stack_pointer(tid);

	for (int tries = 0; sp == 0 && tries < MAX_NAPS; tries++) {
		nanosleep(&nap, NULL);
		sp = stack_pointer(tid);
	}
	return sp;
}

struct search {
	uintptr_t address;
	const char *name;
};

static int
look(struct dl_phdr_info *info, size_t, void *arg)
{
	struct search *s = arg;

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0 &&
		    s->address - (info->dlpi_addr + ph->p_vaddr) <
			ph->p_memsz) {
			s->name = info->dlpi_name;
			return 1;
		}
	}
	return 0;
}

/* The library with code at that address, but for those of every thread. */
static const char *
library_at(uintptr_t address)
{
	static const char *const common[] = { "libc.so", "ld-linux",
		"linux-vdso", "libstdc++" };
	struct search s = { address, "" };

	if (dl_iterate_phdr(look, &s) == 0 || s.name[0] == '\0')
		return NULL;
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (strstr(s.name, common[i]) != NULL)
			return NULL;
	return s.name;
}

void
owner_of_thread(pid_t tid, char *text, size_t n)
{
	uintptr_t words[CHUNK / sizeof(uintptr_t)];
	uintptr_t sp = settled(tid);
	struct iovec here = { words, sizeof(words) };
	ssize_t got;

	snprintf(text, n, "an unknown library");
	for (size_t at = 0; sp != 0 && at < MAX_STACK; at += CHUNK) {
		struct iovec there = { (void *)(sp + at), CHUNK };

		/* Through the kernel, as the stack may vanish meanwhile. */
		got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
		for (ssize_t i = 0; i < got / (ssize_t)sizeof(*words); i++) {
			const char *lib = library_at(words[i]);
			const char *slash = lib != NULL ? strrchr(lib, '/') :
							  NULL;

			if (lib == NULL)
				continue;
			snprintf(text, n, "%s",
			    slash != NULL ? slash + 1 : lib);
			return;
		}
		if (got < CHUNK)
			return;
	}
}
