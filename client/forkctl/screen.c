#include "client/forkctl/screen.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define EACH_MS 1000
/* Another screen and back; the cursor hidden; long lines cut; one picture at
 * once, where the terminal knows how. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[2J"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define BEGIN "\033[?2026h\033[H"
#define END "\033[?2026l"

static volatile sig_atomic_t ended, stops;
static struct termios as_it_was;

/* SIGWINCH only interrupts the wait. */
static void
signal_cb(int sig)
{
	if (sig == SIGTSTP)
		stops = 1;
	else if (sig != SIGWINCH)
		ended = sig;
}

/* A dumb one can do nothing of what live pictures need. */
bool
screen_is_there(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

/* The terminal is ours: a key is heard at once, what was on it is kept. */
static void
take(void)
{
	struct termios now = as_it_was;

	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
	fputs(ENTER, stdout);
}

int
screen_enter(void)
{
	struct sigaction sa = { .sa_handler = signal_cb };

	if (tcgetattr(STDIN_FILENO, &as_it_was) == -1)
		return -1;
	sigaction(SIGWINCH, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGTSTP, &sa, NULL);
	take();
	return 0;
}

static void
release(void)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was);
}

void
screen_leave(void)
{
	signal(SIGTSTP, SIG_DFL);
	release();
}

int
screen_ended(void)
{
	if (stops) {
		stops = 0;
		release();
		raise(SIGSTOP);
		take();
	}
	return ended;
}

static struct winsize
size(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0 ||
	    ws.ws_row == 0)
		ws = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	return ws;
}

size_t
screen_width(void)
{
	return size().ws_col;
}

/* What was there is erased before each line: behind one that is as wide as the
 * screen its last column would go, too. */
void
screen_draw(const char *text)
{
	unsigned rows = size().ws_row;

	fputs(BEGIN, stdout);
	while (*text != '\0' && rows > 0) {
		size_t n = strcspn(text, "\n");

		fputs("\033[K", stdout);
		fwrite(text, 1, n, stdout);
		if (--rows > 0)
			fputs("\r\n", stdout);
		text += n + (text[n] == '\n');
	}
	fputs(rows > 0 ? "\033[J" END : END, stdout);
	fflush(stdout);
}

bool
screen_quits(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	if (poll(&p, 1, EACH_MS) < 1)
		return false;
	return read(STDIN_FILENO, &c, 1) != 1 || c == 'q' || c == 'Q';
}
