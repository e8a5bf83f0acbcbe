#include "client/forkctl/terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * A file description of our own, so that O_NONBLOCK is not seen by the shell
 * and whoever else shares descriptor FD.  A terminal of another user (su) may
 * not be opened again: then it is shared, and blocks.
 */
static int
reopen(int fd)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return own != -1 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

bool
terminal_open(struct terminal *t)
{
	t->fd = -1;
	t->raw = false;
	t->shared = false;
	for (int fd = 0; fd < 3; fd++)
		if (!isatty(fd))
			t->shared = true;
		else if (t->fd == -1)
			t->fd = reopen(fd);
	if (t->fd == -1)
		return false;
	if (tcgetattr(t->fd, &t->saved) == 0)
		return true;
	terminal_fini(t);
	return false;
}

void
terminal_fini(struct terminal *t)
{
	if (t->fd == -1)
		return;
	terminal_restore(t);
	close(t->fd);
	t->fd = -1;
}

bool
terminal_foreground(const struct terminal *t)
{
	pid_t pgrp = tcgetpgrp(t->fd);

	/* -1: it is not our controlling terminal, no job control applies. */
	return pgrp == -1 || pgrp == getpgrp();
}

void
terminal_raw(struct terminal *t)
{
	struct termios raw;

	if (!terminal_foreground(t)) {
		t->raw = false;
		return;
	}
	if (!t->raw && tcgetattr(t->fd, &t->saved) == -1)
		return;
	raw = t->saved;
	cfmakeraw(&raw);
	/* `head` in `forkctl run … | head` ends its lines with a mere newline.
	 * The carriage return that ours have already does no harm. */
	if (t->shared)
		raw.c_oflag = t->saved.c_oflag;
	t->raw = tcsetattr(t->fd, TCSANOW, &raw) == 0;
}

void
terminal_restore(struct terminal *t)
{
	if (t->raw && terminal_foreground(t))
		tcsetattr(t->fd, TCSANOW, &t->saved);
	t->raw = false;
}
