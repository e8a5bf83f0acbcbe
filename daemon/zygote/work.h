/*
 * work: what the zygote's main thread has its worker thread do: make the
 * template, fork.  One struct is handed over; it belongs to one thread at a
 * time.
 */
#ifndef ZYGOTE_WORK_H
#define ZYGOTE_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/zygote/conf.h"
#include "daemon/zygote/child.h"
#include "daemon/zygote/template.h"
#include "proto/err.h"

struct work {
	struct conf conf;
	struct template template;
	char python[32]; /* its version, once made */
	int null_fd;     /* open on /dev/null */
	int daemon_fd;   /* written by the worker while it makes */

	/* work_make */
	bool failed; /* err, template.failed_module, .traceback */
	struct err err;

	/* work_fork; err where pid is -1 */
	enum child_kind kind;
	int control;
	const char *cgroup; /* NULL: none */
	int procs;          /* as of cgroup_enter */
	pid_t pid;
	uint64_t forked_ns;
};

/* Both take a struct work. */
void work_make(void *);
void work_fork(void *);

#endif
