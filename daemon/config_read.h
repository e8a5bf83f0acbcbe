/*
 * config_read: the file of the configuration, which `forkserver-zygote
 * --read-config` reads, as the daemon has no TOML.  Owns the reader's process
 * until its end is told, and what it has written.
 */
#ifndef DAEMON_CONFIG_READ_H
#define DAEMON_CONFIG_READ_H

#include <sys/types.h>

#include "daemon/config.h"

struct config_reader {
	char *file; /* NULL: there is none */
	pid_t pid;  /* 0: none runs */
	int out, err;
};

void config_reader_init(struct config_reader *);
/* Kills what runs; whoever reaps it has nobody to tell. */
void config_reader_fini(struct config_reader *);
/* Starts ZYGOTE on FILE, which is taken.  0, or -1 with E filled. */
int config_reader_start(struct config_reader *, const char *zygote, char *file,
    struct err *);
/* The reader has ended with the wait STATUS: puts what it read into C.  0, or
 * -1 with E naming file, line and what was expected. */
int config_reader_take(struct config_reader *, int status, struct config *c,
    struct err *);

#endif
