#include "tests/harness.h"
#include "tests/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/clock.h"

/* Of a standby, in the daemon: both ends of its socket, a pidfd. */
#define FDS_STANDBY 3

struct live live;

static const char default_config[] =
    "[template.default]\npath = [\"%s\"]\npreload = [\"trio\", \"jobs\"]\n";

static int
ms_left(uint64_t until)
{
	uint64_t now = clock_ns();

	return now >= until ? 0 : (int)((until - now) / 1000000) + 1;
}

static uint64_t
deadline(void)
{
	return clock_ns() + DEADLINE_S * NS_PER_S;
}

static void
readable(int fd, uint64_t until, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, ms_left(until));
	while (r == -1 && errno == EINTR);
	ck_assert_msg(r == 1, "%s: nothing within %d s", what, DEADLINE_S);
}

static const char *
bin_dir(void)
{
	const char *dir = getenv("FORKSERVERD_BIN_DIR");

	ck_assert_msg(dir != NULL, "FORKSERVERD_BIN_DIR is not set");
	return dir;
}

void
live_configure(const char *text)
{
	char fixtures[PATH_MAX];
	const char *whole;
	FILE *f;

	ck_assert(realpath("tests/fixtures", fixtures) != NULL);
	f = fopen(live.config, "w");
	ck_assert(f != NULL);
	/* The only directive is the fixtures' folder. */
	while ((whole = strstr(text, "%s")) != NULL) {
		fwrite(text, 1, whole - text, f);
		fputs(fixtures, f);
		text = whole + 2;
	}
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* In the child: the daemon. */
static _Noreturn void
exec_daemon(int ready_fd)
{
	char path[PATH_MAX], fd[16];
	sigset_t all;

	/* As the rudest of starters: it must not matter. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGCHLD, SIG_IGN);
	snprintf(path, sizeof(path), "%s/forkserverd", bin_dir());
	snprintf(fd, sizeof(fd), "%d", ready_fd);
	fcntl(ready_fd, F_SETFD, 0);
	unsetenv("NOTIFY_SOCKET");
	execl(path, path, "--config", live.config, "--socket", live.socket,
	    "--log-level", "warn", "--ready-fd", fd,
	    live.standbys ? NULL : "--set", "server.max_standbys=0",
	    (char *)NULL);
	_exit(127);
}

static int
launch(const char *config, bool standbys)
{
	int ready[2];

	/* What a daemon's end orphans becomes ours, so that it is seen. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	free(live.config); /* of one that was killed */
	live = (struct live){ .standbys = standbys ||
		    getenv("FORKSERVERD_STANDBYS") };
	strcpy(live.dir, scratch("check"));
	ck_assert(mkdtemp(live.dir) != NULL);
	snprintf(live.socket, sizeof(live.socket), "%s/socket", live.dir);
	ck_assert(asprintf(&live.config, "%s/config", live.dir) > 0);
	live_configure(config != NULL ? config : default_config);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	live.pid = fork();
	ck_assert(live.pid != -1);
	if (live.pid == 0)
		exec_daemon(ready[1]);
	close(ready[1]);
	return ready[0];
}

void
live_launch(const char *config)
{
	int fd = launch(config, false);
	uint64_t until = deadline();

	/* Listening is told apart from readiness by the socket's being there;
	 * the folder's change is the event. */
	close(fd);
	while (access(live.socket, F_OK) == -1) {
		struct pollfd none = { .fd = -1 };

		ck_assert_msg(ms_left(until) > 0, "the daemon listens not");
		poll(&none, 1, 1);
	}
}

static int
measured_fds(void)
{
	struct peer p;
	struct reply r;
	int n;

	peer_open(&p);
	ask(&p, &r, "status", "{}");
	n = fd_count(live.pid) - FDS_STANDBY * int_at(&r, "standbys");
	reply_fini(&r);
	peer_close(&p);
	return n;
}

/* Of a template that is ready. */
static bool
is_full(const struct reply *r, unsigned i)
{
	static const char *const keys[] = { "state", "standby.ready",
		"standby.target", "way" };
	char path[4][64];

	for (int k = 0; k < 4; k++)
		snprintf(path[k], sizeof(path[k]), "templates.%u.%s", i,
		    keys[k]);
	return strcmp(str_at(r, path[0]), "ready") != 0 ||
	    strcmp(str_at(r, path[3]), "cold") == 0 ||
	    int_at(r, path[1]) == int_at(r, path[2]);
}

void
live_standbys_full(void)
{
	uint64_t until = deadline();
	struct peer p;
	struct reply r;
	bool full;

	peer_open(&p);
	do {
		ck_assert_msg(ms_left(until) > 0, "standbys are missing");
		ask(&p, &r, "templates", "{}");
		full = true;
		for (unsigned i = 0; i < at(&r, "templates")->via.array.size;
		    i++)
			full = full && is_full(&r, i);
		reply_fini(&r);
	} while (!full);
	peer_close(&p);
}

static void
start(const char *config, bool standbys)
{
	int fd = launch(config, standbys);
	char c;

	readable(fd, deadline(), "the daemon's start");
	ck_assert_msg(read(fd, &c, 1) == 1, "the daemon ended at its start");
	close(fd);
	if (live.standbys)
		live_standbys_full();
	live.baseline = measured_fds();
}

void
live_start(const char *config)
{
	start(config, false);
}

void
live_start_standbys(const char *config)
{
	start(config, true);
}

static void
remove_dir(void)
{
	unlink(live.config);
	free(live.config);
	live.config = NULL;
	ck_assert_msg(access(live.socket, F_OK) == -1 ||
		unlink(live.socket) == 0,
	    "the socket");
	/* The listener's lock, where it keeps one. */
	int fd = open(live.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	ck_assert(d != NULL);
	while ((e = readdir(d)) != NULL)
		unlinkat(fd, e->d_name, 0);
	closedir(d);
	rmdir(live.dir);
}

/* Waits for PID (-1: any child of ours) with a deadline.  The status. */
static int
reap(pid_t pid, const char *what)
{
	uint64_t until = deadline();
	sigset_t chld, old;
	struct timespec tick = { .tv_sec = 1 };
	int status;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		ck_assert_msg(ms_left(until) > 0, "%s: not over", what);
		sigtimedwait(&chld, NULL, &tick);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return status;
}

pid_t
live_zygote(struct peer *p)
{
	struct reply r;
	pid_t pid;

	ask(p, &r, "templates", "{}");
	pid = int_at(&r, "templates.0.pid");
	reply_fini(&r);
	return pid;
}

void
live_no_process(void)
{
	uint64_t until = deadline();
	struct timespec tick = { .tv_sec = 1 };
	sigset_t chld, old;
	int status;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	while ((pid = waitpid(-1, &status, WNOHANG)) != -1) {
		ck_assert_msg(ms_left(until) > 0, "a process is left");
		if (pid == 0)
			sigtimedwait(&chld, NULL, &tick);
	}
	ck_assert_int_eq(errno, ECHILD);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void
live_stop(void)
{
	uint64_t until = deadline();
	int status, now;

	/* Each round is a round trip through the daemon's loop, which has met
	 * the ends of all earlier connections soon.  Fewer are none too many:
	 * of a template that fails a zygote was there at first. */
	while ((now = measured_fds()) > live.baseline)
		ck_assert_msg(ms_left(until) > 0,
		    "the daemon has %d descriptors, at first %d", now,
		    live.baseline);
	kill(live.pid, SIGTERM);
	status = reap(live.pid, "the daemon's drain");
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "the daemon ended with status %#x", status);
	ck_assert_msg(access(live.socket, F_OK) == -1, "the socket is left");
	live_no_process();
	remove_dir();
}

/* Found from here, it is no leak. */
static struct keepsake {
	struct keepsake *next;
	char *p;
} *keepsakes;

char *
kept(char *p)
{
	struct keepsake *k = malloc(sizeof(*k));

	ck_assert(k != NULL && p != NULL);
	*k = (struct keepsake){ keepsakes, p };
	keepsakes = k;
	return p;
}

const char *
read_text(int fd, bool line)
{
	uint64_t until = deadline();
	char *buf = kept(malloc(1 << 20));
	size_t n = 0;
	ssize_t got;

	do {
		readable(fd, until, "a child's output");
		got = read(fd, buf + n, line ? 1 : (1 << 20) - n - 1);
		ck_assert(got >= 0);
		n += got;
	} while (got > 0 && !(line && buf[n - 1] == '\n'));
	buf[n] = '\0';
	return buf;
}

bool
sanitised(void)
{
	const char *variant = getenv("FORKSERVERD_VARIANT");

	return variant != NULL && strcmp(variant + 1, "san") == 0;
}

int
harness_main(const char *name, const TTest *const *tests)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 4 * DEADLINE_S);
	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
