#include "daemon/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cgroup_home.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/server.h"

#define AGAIN_NS NS_PER_S /* between looks at what cannot be watched */

/* One that is to be removed, once it is empty. */
struct cgroup_left {
	LIST_ENTRY(cgroup_left) link;
	char *path;
	int watch; /* -1: it cannot be */
};

static char *
file_in(const char *path, const char *name)
{
	char *s;

	return asprintf(&s, "%s/%s", path, name) == -1 ? NULL : s;
}

bool
cgroup_populated(const char *path)
{
	char *events = path != NULL ? file_in(path, "cgroup.events") : NULL;
	char buf[128] = "";
	FILE *f = events != NULL ? fopen(events, "re") : NULL;
	bool yes = false;

	free(events);
	while (f != NULL && !yes && fgets(buf, sizeof(buf), f) != NULL)
		yes = strcmp(buf, "populated 1\n") == 0;
	if (f != NULL)
		fclose(f);
	return yes;
}

static int
remove_cb(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_DP)
		rmdir(path);
	return 0;
}

/* Whether it is gone, or there is no use in trying. */
static bool
removed(const char *path)
{
	if (rmdir(path) == 0 || errno == ENOENT)
		return true;
	if (errno != EBUSY) {
		log_warn("op=cgroup: remove \"%s\": %s", path,
		    strerrordesc_np(errno));
		return true;
	}
	if (cgroup_populated(path))
		return false;
	/* The program has made groups below its own. */
	nftw(path, remove_cb, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return access(path, F_OK) == -1;
}

static void
left_free(struct cgroup_left *l)
{
	LIST_REMOVE(l, link);
	free(l->path);
	free(l);
}

/* 0, or an errno: then it is looked at again in a while. */
static int
watch(struct server *srv, struct cgroup_left *l)
{
	struct cgroups *g = &srv->cgroups;
	char *events = file_in(l->path, "cgroup.events");
	int why = ENOMEM;

	l->watch = -1;
	if (events != NULL) {
		l->watch = inotify_add_watch(g->inotify, events, IN_MODIFY);
		why = errno;
	}
	free(events);
	if (l->watch != -1)
		return 0;
	if (!ev_is_active(&g->again))
		clock_arm(srv->loop, &g->again, AGAIN_NS);
	return why;
}

/* Whether it is gone. */
static bool
look(struct cgroups *g, struct cgroup_left *l)
{
	if (!removed(l->path))
		return false;
	if (l->watch != -1)
		inotify_rm_watch(g->inotify, l->watch);
	left_free(l);
	return true;
}

static void
look_at_all(struct server *srv)
{
	struct cgroup_left *l, *next;

	for (l = LIST_FIRST(&srv->cgroups.left); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		if (!look(&srv->cgroups, l) && l->watch == -1 &&
		    watch(srv, l) == 0)
			/* It may have become empty before that. */
			look(&srv->cgroups, l);
	}
}

static void
again_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	look_at_all(w->data);
}

static void
changed(struct cgroups *g, int wd)
{
	struct cgroup_left *l;

	LIST_FOREACH(l, &g->left, link)
	if (l->watch == wd)
		break;
	if (l != NULL)
		look(g, l);
}

static void
changed_cb(struct ev_loop *loop, ev_io *w, int events)
{
	alignas(struct inotify_event) char buf[4096];
	struct server *srv = w->data;
	const struct inotify_event *e;
	ssize_t n = read(w->fd, buf, sizeof(buf));

	(void)loop;
	(void)events;
	for (ssize_t at = 0; at < n; at += sizeof(*e) + e->len) {
		e = (const struct inotify_event *)(buf + at);
		/* Some were lost, nobody knows whose. */
		if ((e->mask & IN_Q_OVERFLOW) != 0)
			look_at_all(srv);
		else
			changed(&srv->cgroups, e->wd);
	}
}

void
cgroup_remove(struct server *srv, char *path)
{
	struct cgroups *g = &srv->cgroups;
	struct cgroup_left *l;
	int why;

	if (path == NULL)
		return;
	l = removed(path) ? NULL : calloc(1, sizeof(*l));
	if (l == NULL) {
		free(path);
		return;
	}
	*l = (struct cgroup_left){ .path = path };
	LIST_INSERT_HEAD(&g->left, l, link);
	why = watch(srv, l);
	if (why != 0)
		log_warn("op=cgroup: watch \"%s\": %s", path,
		    strerrordesc_np(why));
	/* It may have become empty before it was watched. */
	look(g, l);
}

void
cgroup_kill(const char *path)
{
	char *file = path != NULL ? file_in(path, "cgroup.kill") : NULL;
	int fd = file != NULL ? open(file, O_WRONLY | O_CLOEXEC) : -1;

	/* Gone already where the program itself has removed it. */
	if (file != NULL && (fd == -1 || write(fd, "1", 1) == -1) &&
	    errno != ENOENT && errno != ENODEV)
		log_error("op=kill: \"%s\": %s", file, strerrordesc_np(errno));
	if (fd != -1)
		close(fd);
	free(file);
}

int
cgroup_new(struct server *srv, char **path, struct err *e)
{
	struct cgroups *g = &srv->cgroups;

	*path = NULL;
	if (g->base == NULL)
		return 0;
	if (asprintf(path, "%s/" CGROUP_CHILD "%.8s-%" PRIu64, g->base,
		srv->instance, ++g->last) == -1) {
		*path = NULL;
		return err_memory(e, "a control group");
	}
	if (mkdir(*path, 0755) == 0)
		return 0;
	err_sys(e, errno, "make the control group \"%s\"", *path);
	free(*path);
	*path = NULL;
	return -1;
}

int
cgroup_lend(const char *path, uid_t uid, int *procs, struct err *e)
{
	char *kill = file_in(path, "cgroup.kill");
	char *file = file_in(path, "cgroup.procs");
	int r = 0;

	*procs = -1;
	if (kill == NULL || file == NULL)
		r = err_memory(e, "a control group");
	else if (chown(kill, uid, (gid_t)-1) == -1)
		r = err_sys(e, errno, "give away \"%s\"", kill);
	/* Since Linux 5.16 it counts who has opened it, not who writes. */
	else if ((*procs = open(file, O_WRONLY | O_CLOEXEC)) == -1)
		r = err_sys(e, errno, "open \"%s\"", file);
	free(kill);
	free(file);
	return r;
}

int
cgroups_init(struct server *srv, struct err *e)
{
	struct cgroups *g = &srv->cgroups;

	*g = (struct cgroups){ .inotify = -1 };
	LIST_INIT(&g->left);
	ev_init(&g->again, again_cb);
	g->again.data = srv;
	if (cgroup_home(srv->cfg->server.cgroup, &g->base, e) == -1)
		return -1;
	if (g->base == NULL)
		return 0;
	g->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (g->inotify == -1)
		return err_sys(e, errno, "watch control groups");
	ev_io_init(&g->changed, changed_cb, g->inotify, EV_READ);
	g->changed.data = srv;
	ev_io_start(srv->loop, &g->changed);
	log_info("op=cgroup: children have groups of their own in \"%s\"",
	    g->base);
	return 0;
}

void
cgroups_fini(struct server *srv)
{
	struct cgroups *g = &srv->cgroups;
	struct cgroup_left *l, *next;

	for (l = LIST_FIRST(&g->left); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		left_free(l);
	}
	if (g->base == NULL)
		return;
	ev_io_stop(srv->loop, &g->changed);
	ev_timer_stop(srv->loop, &g->again);
	if (g->inotify != -1)
		close(g->inotify);
	free(g->base);
	g->base = NULL;
}
