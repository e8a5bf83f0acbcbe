/*
 * journal: one line of the log as an entry of journald, whose fields are the
 * line's keys: "child=12 op=over status=0x0" has FORKSERVERD_CHILD=12 and so
 * on beside its MESSAGE.  It owns the socket; what is told is log.h's.
 */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include <stddef.h>

/* Of systemd-journald.socket(8). */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Entries go to journald's socket PATH from now on; -1 with errno. */
int journal_open(const char *path);

/* PRIORITY is syslog(3)'s, LINE is printable.  It neither blocks nor takes a
 * lock; -1 where the entry was not taken. */
int journal_send(int priority, const char *line);

/* The entry that is sent, in BUF of N bytes; its length. */
size_t journal_entry(char *buf, size_t n, int priority, const char *line);

#endif
