#include "daemon/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/journal.h"

#define LINE_MAX_BYTES 2048

static enum log_level threshold = LOG_INFO;
static bool to_journal;

/* As sd-daemon(3): JOURNAL_STREAM is "device:inode" of the journal's socket,
 * and may have been inherited by one whose stderr went elsewhere. */
static bool
stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return s != NULL && sscanf(s, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	    st.st_ino == ino;
}

void
log_init(enum log_level level)
{
	threshold = level;
	to_journal = stderr_is_journal();
	/* Without it journald reads the prefix, and there are no fields. */
	if (to_journal)
		journal_open(JOURNAL_SOCKET);
}

bool
log_on(enum log_level level)
{
	return level <= threshold;
}

static const int prio[] = { 3, 4, 6, 7 }; /* of syslog(3) */

static size_t
prefix(char *buf, size_t n, enum log_level level)
{
	static const char *const word[] = { "error", "warn", "info", "debug" };
	struct timespec ts;
	struct tm tm;

	if (to_journal)
		return snprintf(buf, n, "<%d>", prio[level]);
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	return snprintf(buf, n, "%04d-%02d-%02dT%02d:%02d:%02d.%03ld %s ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, ts.tv_nsec / 1000000, word[level]);
}

static void
emit(enum log_level level, const char *fmt, va_list ap)
{
	static const char hex[] = "0123456789abcdef";
	char text[LINE_MAX_BYTES / 2], line[LINE_MAX_BYTES];
	size_t at, text_at;
	ssize_t r;

	if (!log_on(level))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	text_at = at = prefix(line, sizeof(line), level);
	for (const char *p = text; *p != '\0' && at + 5 < sizeof(line); p++) {
		unsigned char c = *p;

		if (c >= 0x20 && c < 0x7f) {
			line[at++] = c;
			continue;
		}
		line[at++] = '\\';
		line[at++] = 'x';
		line[at++] = hex[c >> 4];
		line[at++] = hex[c & 15];
	}
	line[at] = '\0';
	if (to_journal && journal_send(prio[level], line + text_at) == 0)
		return;
	line[at++] = '\n';
	r = write(STDERR_FILENO, line, at);
	(void)r;
}

#define LOG_FN(name, level) \
	void name(const char *fmt, ...) \
	{ \
		va_list ap; \
\
		va_start(ap, fmt); \
		emit(level, fmt, ap); \
		va_end(ap); \
	}

LOG_FN(log_error, LOG_ERROR)
LOG_FN(log_warn, LOG_WARN)
LOG_FN(log_info, LOG_INFO)
LOG_FN(log_debug, LOG_DEBUG)
