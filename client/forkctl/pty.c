#include "client/forkctl/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int
pty_open(struct pty *p, const struct termios *modes, int like, struct err *e)
{
	p->slave = -1;
	p->master = open("/dev/ptmx",
	    O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (p->master == -1)
		return err_sys(e, errno, "open \"/dev/ptmx\"");
	if (unlockpt(p->master) == 0)
		p->slave = ioctl(p->master, TIOCGPTPEER,
		    O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->slave == -1 || tcsetattr(p->slave, TCSANOW, modes) == -1) {
		err_sys(e, errno, "make a pseudo-terminal");
		pty_fini(p);
		return -1;
	}
	pty_resize(p, like);
	return 0;
}

void
pty_fini(struct pty *p)
{
	pty_close_slave(p);
	if (p->master != -1)
		close(p->master);
	p->master = -1;
}

void
pty_close_slave(struct pty *p)
{
	if (p->slave != -1)
		close(p->slave);
	p->slave = -1;
}

void
pty_resize(const struct pty *p, int like)
{
	struct winsize ws;

	if (ioctl(like, TIOCGWINSZ, &ws) == 0)
		ioctl(p->master, TIOCSWINSZ, &ws);
}

bool
pty_suspends(const struct pty *p, unsigned char c)
{
	struct termios now;
	pid_t leader;

	/* Asked of the slave, as a program may set modes and characters. */
	return c != _POSIX_VDISABLE && p->slave != -1 &&
	    tcgetattr(p->slave, &now) == 0 && (now.c_lflag & ISIG) != 0 &&
	    now.c_cc[VSUSP] == c && ioctl(p->master, TIOCGSID, &leader) == 0 &&
	    leader == pty_foreground(p);
}

pid_t
pty_foreground(const struct pty *p)
{
	pid_t pgrp = 0;

	return ioctl(p->master, TIOCGPGRP, &pgrp) == 0 && pgrp > 0 ? pgrp : 0;
}
