/*
 * readconfig: `forkserver-zygote --read-config FILE`: TOML in, MessagePack
 * out, so that the daemon needs no Python and the project no TOML parser.
 */
#ifndef ZYGOTE_READCONFIG_H
#define ZYGOTE_READCONFIG_H

/* Writes the file's one map to standard output.  Returns the exit status: 0,
 * or 1 with one line on standard error. */
int readconfig_main(const char *path);

#endif
