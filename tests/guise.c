#include "tests/guise.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void
guise_start(const char *config)
{
	live_start(config);
	ck_assert_int_eq(chmod(live.dir, 0755), 0);
}

static void
be(uid_t uid, gid_t gid, gid_t other)
{
	/* Root first, without which nothing else is allowed. */
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setgroups(other != 0, &other), 0);
	ck_assert_int_eq(setegid(gid), 0);
	ck_assert_int_eq(seteuid(uid), 0);
}

void
guise_open(struct peer *p, uid_t uid, gid_t gid, gid_t other)
{
	be(uid, gid, other);
	peer_open(p);
	be(0, 0, 0);
}

/* In the other process, which shares our descriptors. */
static _Noreturn void
confine_and_connect(guise_confine *confine, struct peer *p, int tell)
{
	int fd = -1;

	if (confine() == 0) {
		peer_open(p);
		fd = p->st.fd;
	}
	if (write(tell, &fd, sizeof(fd)) != sizeof(fd))
		_exit(1);
	for (;;)
		pause();
}

void
guise_begin(struct guise *g, guise_confine *confine)
{
	int tell[2], fd;

	ck_assert_int_eq(pipe2(tell, O_CLOEXEC), 0);
	g->pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
	ck_assert_int_ne(g->pid, -1);
	if (g->pid == 0)
		confine_and_connect(confine, &g->p, tell[1]);
	ck_assert_int_eq(read(tell[0], &fd, sizeof(fd)), sizeof(fd));
	ck_assert_msg(fd != -1, "the process could not confine itself");
	close(tell[0]);
	close(tell[1]);
	peer_adopt(&g->p, fd);
}

void
guise_end(struct guise *g)
{
	ck_assert_int_eq(kill(g->pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(g->pid, NULL, 0), g->pid);
	peer_close(&g->p);
}
