#include "daemon/zygote/canary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS (64 << 10)

int
canary_prepare(struct canary *c, struct err *e)
{
	c->says = memfd_create("canary", MFD_CLOEXEC);
	return c->says != -1 ? 0 : err_sys(e, errno, "memfd_create");
}

char *
canary_over(struct canary *c)
{
	char *words = malloc(MAX_WORDS + 1);
	ssize_t n = words != NULL ? pread(c->says, words, MAX_WORDS, 0) : 0;

	close(c->says);
	if (n <= 0) {
		free(words);
		return NULL;
	}
	words[n] = '\0';
	return words;
}

void
canary_reason(int status, bool late, bool promoted, const char *words,
    char *text, size_t n)
{
	snprintf(text, n, "the %s canary %s %d%s%.*s",
	    promoted ? "promoted" : "unpromoted",
	    !WIFSIGNALED(status) ? "exited with" :
		late             ? "timed out and died of signal" :
				   "died of signal",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    words != NULL ? ": " : "",
	    words != NULL ? (int)strcspn(words, "\n") : 0,
	    words != NULL ? words : "");
}

void
canary_fault(const char *words, struct err *e, char **traceback)
{
	size_t n = words != NULL ? strcspn(words, "\n") : 0;

	err_set(e, ERR_TEMPLATE_FAILED, "%.*s", (int)n,
	    words != NULL ? words : "");
	*traceback = words != NULL && words[n] != '\0' ? strdup(words + n + 1) :
							 NULL;
}

void
canary_say(int fd, const char *message, const char *traceback)
{
	/* To a memfd: whole, or there is no memory for it. */
	dprintf(fd, "%.*s\n%s", (int)strcspn(message, "\n"), message,
	    traceback != NULL ? traceback : "");
}
