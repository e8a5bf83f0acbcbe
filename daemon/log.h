/*
 * log: lines on standard error.  One line is one write(2) and takes no lock,
 * so that it is safe after a fork and never blocks on another thread.  Lines
 * begin with the time.  Where standard error is journald's, they are entries
 * (journal.h), or begin with `<N>` where one is not taken.
 *
 * Messages use fixed keys: conn=7 child=12 pid=991 op=spawn.  Bytes that are
 * not printable ASCII come out as \xNN, so that a peer's text stays in its
 * line.  Info tells lives (start, stop, refuse); debug tells each request.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Asks once whether standard error is the journal. */
void log_init(enum log_level);
/* Whether a line of that level would be written. */
bool log_on(enum log_level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
