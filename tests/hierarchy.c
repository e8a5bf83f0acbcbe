#include "tests/hierarchy.h"
#include "tests/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

char hierarchy_mounted[64];
char hierarchy_home[128];
static char before[512];

int
hierarchy_put(const char *dir, const char *file, const char *text)
{
	char path[512];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	r = fd != -1 && write(fd, text, strlen(text)) != -1 ? 0 : -1;
	if (fd != -1)
		close(fd);
	return r;
}

const char *
group_of(pid_t pid)
{
	char path[64], line[512], *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	do
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	while (strncmp(line, "0::", 3) != 0);
	fclose(f);
	end = strchr(line, '\n');
	if (end != NULL)
		*end = '\0';
	return kept(strdup(line + 3));
}

const char *
last_part(const char *path)
{
	return strrchr(path, '/') + 1;
}

bool
hierarchy_enter(const char *name, bool mark)
{
	strcpy(hierarchy_mounted, scratch("cgroup"));
	ck_assert_ptr_nonnull(mkdtemp(hierarchy_mounted));
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", hierarchy_mounted, "cgroup2", 0, NULL) == -1) {
		printf("SKIP %s: cannot mount cgroup2: %s\n", name,
		    strerrordesc_np(errno));
		rmdir(hierarchy_mounted);
		return false;
	}
	snprintf(before, sizeof(before), "%s%s", hierarchy_mounted,
	    group_of(getpid()));
	snprintf(hierarchy_home, sizeof(hierarchy_home),
	    "%s/forkserverd-check-%d", hierarchy_mounted, (int)getpid());
	ck_assert_int_eq(mkdir(hierarchy_home, 0755), 0);
	if (mark)
		ck_assert_int_eq(setxattr(hierarchy_home, "user.delegate", "1",
				     1, 0),
		    0);
	ck_assert_int_eq(hierarchy_put(hierarchy_home, "cgroup.procs", "0"), 0);
	return true;
}

void
hierarchy_leave(void)
{
	ck_assert_int_eq(hierarchy_put(before, "cgroup.procs", "0"), 0);
}

void
hierarchy_finish(void)
{
	char leaf[256];

	snprintf(leaf, sizeof(leaf), "%s/daemon", hierarchy_home);
	rmdir(leaf);
	ck_assert_msg(rmdir(hierarchy_home) == 0, "%s: %s", hierarchy_home,
	    strerrordesc_np(errno));
	umount2(hierarchy_mounted, MNT_DETACH);
	rmdir(hierarchy_mounted);
}

const char *
folder(struct peer *p, uint64_t id)
{
	struct reply r;
	const char *s;

	ask(p, &r, "inspect", "{'id': %ju}", (uintmax_t)id);
	s = str_at(&r, "cgroup");
	reply_fini(&r);
	return s;
}

void
folder_gone(const char *path)
{
	struct pollfd p = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
	char buf[4096];

	ck_assert_int_ne(p.fd, -1);
	ck_assert_int_ne(inotify_add_watch(p.fd, hierarchy_home, IN_DELETE),
	    -1);
	while (access(path, F_OK) == 0) {
		ck_assert_msg(poll(&p, 1, DEADLINE_S * 1000) == 1,
		    "\"%s\" is left", path);
		ck_assert(read(p.fd, buf, sizeof(buf)) > 0);
	}
	close(p.fd);
}
