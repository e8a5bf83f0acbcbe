#include "daemon/journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ENTRY_MAX 8192
#define PREFIX "FORKSERVERD_"

static int journal_fd = -1;
static struct sockaddr_un journal_sa = { .sun_family = AF_UNIX };

int
journal_open(const char *path)
{
	if (strlen(path) >= sizeof(journal_sa.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(journal_sa.sun_path, path);
	if (journal_fd == -1)
		journal_fd = socket(AF_UNIX,
		    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return journal_fd == -1 ? -1 : 0;
}

/* The word at S as a field, where it is key=value; its length, else 0.  A colon
 * ends the keys of a line and is no part of the last one's value. */
static size_t
field(const char *s, char *to, size_t n)
{
	size_t len = strcspn(s, " "), key = 0, at = strlen(PREFIX), end;

	while (islower((unsigned char)s[key]) || s[key] == '_')
		key++;
	end = len > 0 && s[len - 1] == ':' ? len - 1 : len;
	if (key == 0 || s[key] != '=' || at + end + 2 > n)
		return 0;
	memcpy(to, PREFIX, at);
	for (size_t i = 0; i < end; i++)
		to[at++] = i < key ? toupper((unsigned char)s[i]) : s[i];
	to[at++] = '\n';
	to[at] = '\0';
	return len;
}

size_t
journal_entry(char *buf, size_t n, int priority, const char *line)
{
	size_t at, len;

	/* The message is the last field, and what is too long of it is cut. */
	at = snprintf(buf, n, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\n", priority,
	    program_invocation_short_name);
	for (const char *s = line;
	    (len = field(s, buf + at, n / 2 > at ? n / 2 - at : 0)) > 0;
	    s += len + 1) {
		at += strlen(buf + at);
		if (s[len] == '\0' || s[len - 1] == ':')
			break;
	}
	len = snprintf(buf + at, n - at, "MESSAGE=%s", line);
	at += len < n - at ? len : n - at - 1;
	/* Without its end it would be no field. */
	buf[at++] = '\n';
	return at;
}

int
journal_send(int priority, const char *line)
{
	char buf[ENTRY_MAX];
	size_t n;

	if (journal_fd == -1)
		return -1;
	n = journal_entry(buf, sizeof(buf), priority, line);
	/* Not connected: journald may be another one by now. */
	return sendto(journal_fd, buf, n, MSG_NOSIGNAL,
		   (const struct sockaddr *)&journal_sa,
		   sizeof(journal_sa)) == (ssize_t)n ?
	    0 :
	    -1;
}
