#include "daemon/zygote/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "proto/clock.h"

#define QUIET_NS (NS_PER_S / 5)  /* after the last change */
#define LATEST_NS (5 * NS_PER_S) /* after the first */
#define FOLDERS_MAX 4096
#define EVENTS \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

struct watch_folder {
	int wd;
	bool any; /* new names count */
	char *path;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void
arm(struct watch *w, uint64_t ns)
{
	struct itimerspec when = { .it_value = { .tv_sec = ns / NS_PER_S,
				       .tv_nsec = ns % NS_PER_S + 1 } };

	timerfd_settime(w->timer, 0, &when, NULL);
}

/* The more follows at once, the later it is told, up to a bound. */
static void
changed(struct watch *w, const char *path)
{
	uint64_t now = clock_ns(), left = QUIET_NS;

	if (w->first_ns == 0) {
		w->first_ns = now;
		snprintf(w->changed, sizeof(w->changed), "%s", path);
	}
	if (now + left > w->first_ns + LATEST_NS)
		left = w->first_ns + LATEST_NS > now ?
		    w->first_ns + LATEST_NS - now :
		    0;
	arm(w, left);
}

/* In a folder of packages: what an installation changes. */
static bool
counts(const char *name, uint32_t mask)
{
	if (strcmp(name, "__pycache__") == 0 || ends_with(name, ".pyc"))
		return false;
	return (mask & IN_CLOSE_WRITE) == 0 || ends_with(name, ".pth");
}

static void
take(struct watch *w, const struct inotify_event *ev)
{
	char path[PATH_MAX], *key = path;

	if ((ev->mask & IN_Q_OVERFLOW) != 0) {
		changed(w, "");
		return;
	}
	for (size_t i = 0; ev->len > 0 && i < w->nfolders; i++) {
		const struct watch_folder *f = &w->folders[i];

		if (f->wd != ev->wd)
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->path, ev->name);
		if ((f->any && counts(ev->name, ev->mask)) ||
		    bsearch(&key, w->files, w->nfiles, sizeof(key), by_text) !=
			NULL)
			changed(w, path);
	}
}

bool
watch_hear(struct watch *w)
{
	alignas(struct inotify_event) char buf[16384];
	uint64_t times;
	ssize_t n;

	while ((n = read(w->inotify, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (void *)p;

			take(w, ev);
			p += sizeof(*ev) + ev->len;
		}
	if (read(w->timer, &times, sizeof(times)) != sizeof(times))
		return false;
	w->first_ns = 0;
	return true;
}

/* Watches the folder that PATH, of N bytes, names. */
static void
add(struct watch *w, const char *path, size_t n, bool any)
{
	struct watch_folder *f = &w->folders[w->nfolders];

	for (size_t i = 0; i < w->nfolders; i++)
		if (strlen(w->folders[i].path) == n &&
		    memcmp(w->folders[i].path, path, n) == 0) {
			w->folders[i].any |= any;
			return;
		}
	if (w->nfolders == FOLDERS_MAX) {
		w->missed++;
		return;
	}
	f->path = strndup(path, n);
	f->any = any;
	f->wd = f->path == NULL ?
	    -1 :
	    inotify_add_watch(w->inotify, f->path, EVENTS | IN_ONLYDIR);
	if (f->wd != -1) {
		w->nfolders++;
		return;
	}
	w->missed += f->path == NULL || errno == ENOSPC || errno == ENOMEM;
	free(f->path);
}

static bool
later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	    (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* One that is dated in the future would count for ever. */
static void
look_back(struct watch *w, struct timespec since)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < w->nfiles; i++)
		if (stat(w->files[i], &st) == 0 && later(st.st_mtim, since) &&
		    !later(st.st_mtim, now))
			changed(w, w->files[i]);
}

static void
close_all(struct watch *w)
{
	int *const fds[] = { &w->fd, &w->inotify, &w->timer };

	for (int i = 0; i < 3; i++) {
		if (*fds[i] != -1)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static int
open_all(struct watch *w, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN };

	w->fd = epoll_create1(EPOLL_CLOEXEC);
	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->fd != -1 && w->inotify != -1 && w->timer != -1 &&
	    epoll_ctl(w->fd, EPOLL_CTL_ADD, w->inotify, &ev) == 0 &&
	    epoll_ctl(w->fd, EPOLL_CTL_ADD, w->timer, &ev) == 0)
		return 0;
	err_sys(e, errno, "watch files");
	close_all(w);
	return -1;
}

int
watch_begin(struct watch *w, char **paths, struct timespec since, struct err *e)
{
	size_t n = 0;

	*w = (struct watch){ .files = paths, .fd = -1 };
	while (paths[n] != NULL)
		n++;
	w->nfiles = n;
	w->folders = calloc(FOLDERS_MAX + 1, sizeof(*w->folders));
	if (w->folders == NULL)
		return err_memory(e, "the folders to watch");
	if (open_all(w, e) == -1)
		return -1;
	qsort(w->files, n, sizeof(*w->files), by_text);
	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(paths[i], '/');

		if (slash != NULL && slash != paths[i])
			add(w, paths[i], slash - paths[i], slash[1] == '\0');
	}
	look_back(w, since);
	if (w->missed == 0)
		return 0;
	return err_set(e, ERR_SYSTEM,
	    "changes in %zu of %zu folders are not seen: the kernel has no "
	    "watches left for this user (fs.inotify.max_user_watches)",
	    w->missed, w->missed + w->nfolders);
}
