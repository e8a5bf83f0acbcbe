#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "client/forkctl/json.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/top_frame.h"

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

/* The terminal is ours: a key is heard at once, what was on it is kept. */
static void
enter(void)
{
	struct termios now = as_it_was;

	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
	fputs(ENTER, stdout);
}

static void
leave(void)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was);
}

static void
stop(void)
{
	stops = 0;
	leave();
	raise(SIGSTOP);
	enter();
}

/* The picture as text, which the caller frees.  NULL: the daemon does not
 * answer, which is told in A. */
static char *
picture(struct forkserver *fs, struct top_before *before, size_t width,
    struct answer *a)
{
	struct answer list;
	char *text = NULL;
	size_t n;
	FILE *f;

	if (rpc_call(fs, "status", NULL, RPC_TIMEOUT_MS, a) == -1)
		return NULL;
	answer_init(&list);
	if (rpc_call(fs, "list", NULL, RPC_TIMEOUT_MS, &list) == -1) {
		answer_fini(a);
		*a = list;
		return NULL;
	}
	f = open_memstream(&text, &n);
	if (f == NULL)
		abort();
	top_frame(f, &a->value.data, &list.value.data, before, width);
	fclose(f);
	answer_fini(&list);
	return text;
}

/* As many lines as the screen has.  What was there is erased before each: behind
 * one that is as wide as the screen its last column would go, too. */
static void
draw(const char *text, unsigned rows)
{
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

/* Whether `q` was typed, or nobody can type any more, within EACH_MS. */
static bool
quits(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	if (poll(&p, 1, EACH_MS) < 1)
		return false;
	return read(STDIN_FILENO, &c, 1) != 1 || c == 'q' || c == 'Q';
}

static int
watch(struct context *ctx, struct forkserver *fs)
{
	struct top_before before = { 0 };
	struct winsize ws;
	struct answer a;
	char *text;

	while (ended == 0) {
		if (stops)
			stop();
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 ||
		    ws.ws_col == 0 || ws.ws_row == 0)
			ws = (struct winsize){ .ws_col = 80, .ws_row = 24 };
		answer_init(&a);
		text = picture(fs, &before, ws.ws_col, &a);
		if (text == NULL) {
			leave();
			return rpc_failed(ctx, &a);
		}
		draw(text, ws.ws_row);
		free(text);
		answer_fini(&a);
		if (quits())
			break;
	}
	leave();
	return 0;
}

static int
live(struct context *ctx, struct forkserver *fs)
{
	struct sigaction sa = { .sa_handler = signal_cb };
	int status;

	if (tcgetattr(STDIN_FILENO, &as_it_was) == -1)
		return EXIT_OURS;
	sigaction(SIGWINCH, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGTSTP, &sa, NULL);
	enter();
	status = watch(ctx, fs);
	if (ended == 0)
		return status;
	signal(ended, SIG_DFL);
	raise(ended);
	return EXIT_OURS;
}

/* A dumb one can do nothing of what live pictures need. */
static bool
is_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

static int
once(struct context *ctx, struct forkserver *fs)
{
	struct top_before before = { 0 };
	struct answer a;
	char *text;
	int status = 0;

	answer_init(&a);
	text = picture(fs, &before, 0, &a);
	if (text == NULL)
		status = rpc_failed(ctx, &a);
	else if (ctx->json)
		json_line(ctx->out, &a.value.data);
	else
		fputs(text, stdout);
	free(text);
	answer_fini(&a);
	return status;
}

static int
exec_top(struct context *ctx, int argc, char **argv)
{
	struct forkserver *fs;
	int status;

	if (verb_plain(&verb_top, ctx, argc, argv, 0, &status))
		return status;
	fs = rpc_connect(ctx);
	if (fs == NULL)
		return EXIT_OURS;
	if (!ctx->json && is_screen())
		status = live(ctx, fs);
	else
		status = once(ctx, fs);
	forkserver_close(fs);
	return status;
}

const struct verb verb_top = {
	.name = "top",
	.args = "",
	.line = "show the daemon, its templates and children, again and again",
	.help =
	    "Each second anew, `q` ends it. TIME and MEMORY are what /proc "
	    "tells of a child: on\nprocessors, and resident, what it shares "
	    "included. Where standard input or output\nis no terminal, or TERM is "
	    "dumb, it is shown once.\n",
	.exec = exec_top,
};
