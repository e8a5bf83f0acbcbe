#include "daemon/zygote/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/zygote/fds.h"
#include "daemon/zygote/limits.h"
#include "daemon/zygote/title.h"

static int
fault(struct setup_fault *f, const char *step, int errno_value,
    const char *doing)
{
	f->step = step;
	err_sys(&f->err, errno_value, "%s \"%s\"", doing, f->object);
	f->err.code = ERR_SETUP_FAILED;
	return -1;
}

static int
place_fds(const struct spawn *job, const int *from, struct setup_fault *f)
{
	int at = -1;

	if (fds_place(from, job->fds, job->nfds, &at, &f->err) == 0)
		return 0;
	snprintf(f->object, sizeof(f->object), "%d", at);
	return fault(f, "fds", f->err.sys, "put a descriptor at");
}

static int
take_tty(const struct spawn *job, struct setup_fault *f)
{
	if (job->tty == -1 || ioctl(job->tty, TIOCSCTTY, 0) == 0)
		return 0;
	snprintf(f->object, sizeof(f->object), "%d", job->tty);
	return fault(f, "tty", errno, "make the controlling terminal of");
}

static int
enter(const struct spawn *job, struct setup_fault *f)
{
	char *path = bytes_dup(job->cwd);
	int r, saved;

	snprintf(f->object, sizeof(f->object), "%.*s", (int)job->cwd.n,
	    job->cwd.p);
	r = path != NULL ? chdir(path) : -1;
	saved = path != NULL ? errno : ENOMEM;
	free(path);
	return r == 0 ? 0 : fault(f, "cwd", saved, "enter");
}

static int
open_file(const struct spawn_file *file, struct setup_fault *f)
{
	static const int flags[] = {
		[SPAWN_READ] = O_RDONLY,
		[SPAWN_WRITE] = O_WRONLY | O_CREAT | O_TRUNC,
		[SPAWN_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
		[SPAWN_NEW] = O_WRONLY | O_CREAT | O_EXCL,
	};
	char *path = bytes_dup(file->path);
	int fd = -1, saved = ENOMEM;

	snprintf(f->object, sizeof(f->object), "%.*s", (int)file->path.n,
	    file->path.p);
	if (path != NULL) {
		/* No terminal becomes the controlling one by the way. */
		fd = open(path, flags[file->access] | O_CLOEXEC | O_NOCTTY,
		    file->mode);
		saved = errno;
	}
	free(path);
	return fd != -1 ? fd : fault(f, "files", saved, "open");
}

/* Puts FILE at its number. */
static int
place_file(const struct spawn_file *file, struct setup_fault *f)
{
	bool copies = file->path.n == 0;
	int fd = copies ? file->copy : open_file(file, f);

	if (fd == -1)
		return -1;
	if (copies)
		snprintf(f->object, sizeof(f->object), "%d", fd);
	/* By chance it is there already. */
	if (fd == file->fd) {
		fcntl(fd, F_SETFD, 0);
		return 0;
	}
	if (dup2(fd, file->fd) == -1)
		return fault(f, "files", errno, "copy the descriptor of");
	if (!copies)
		close(fd);
	return 0;
}

static int
open_files(const struct spawn *job, struct setup_fault *f)
{
	for (unsigned i = 0; i < job->nfiles; i++)
		if (place_file(&job->files[i], f) == -1)
			return -1;
	return 0;
}

static struct bytes
text_of(const msgpack_object *o)
{
	if (o->type == MSGPACK_OBJECT_STR)
		return (struct bytes){ o->via.str.ptr, o->via.str.size };
	return (struct bytes){ o->via.bin.ptr, o->via.bin.size };
}

static int
fill_env(const struct spawn *job, struct setup_fault *f)
{
	if (job->env == NULL)
		return 0;
	clearenv();
	for (uint32_t i = 0; i < job->env->size; i++) {
		struct bytes k = text_of(&job->env->ptr[i].key);
		struct bytes v = text_of(&job->env->ptr[i].val);
		char *pair = NULL;

		snprintf(f->object, sizeof(f->object), "%.*s", (int)k.n, k.p);
		/* putenv keeps the string: one copy, not two. */
		if (asprintf(&pair, "%.*s=%.*s", (int)k.n, k.p, (int)v.n,
			v.p) == -1 ||
		    putenv(pair) != 0)
			return fault(f, "env", ENOMEM, "set");
	}
	return 0;
}

/* Where the daemon is, and as whose the child's own requests count: in the
 * place of what the job, or the template, has under these names. */
static int
point_back(const struct spawn *job, struct setup_fault *f)
{
	static const char *const names[] = { "FORKSERVER_SOCKET",
		"FORKSERVER_PARENT", "NOTIFY_SOCKET" };
	const struct bytes values[] = { job->socket, job->cookie, job->notify };

	/* The last one is the job's own affair where nobody listens. */
	for (int i = 0; i < (job->notify.n > 0 ? 3 : 2); i++) {
		char *value = bytes_dup(values[i]);
		int r;

		snprintf(f->object, sizeof(f->object), "%s", names[i]);
		if (values[i].n == 0)
			r = unsetenv(names[i]);
		else
			r = value != NULL ? setenv(names[i], value, 1) : -1;
		free(value);
		if (r == -1)
			return fault(f, "env", ENOMEM, "set");
	}
	return 0;
}

/* Last of what opens files: the limits count from here on. */
static int
limit(const struct spawn *job, struct setup_fault *f)
{
	const char *what;

	if (limits_apply(&job->limits, &what, &f->err) == 0)
		return 0;
	f->step = "limits";
	snprintf(f->object, sizeof(f->object), "%s", what);
	f->err.code = ERR_SETUP_FAILED;
	return -1;
}

static void
show_title(const struct spawn *job)
{
	char title[PATH_MAX], name[16];
	struct bytes what = job->title.n > 0 ? job->title : job->target;

	snprintf(title, sizeof(title), "%s%s%.*s",
	    job->title.n > 0 ? "" : "forkserver: ",
	    job->title.n > 0               ? "" :
		job->entry == SPAWN_MODULE ? "-m " :
		job->entry == SPAWN_CODE   ? "-c " :
					     "",
	    (int)what.n, what.p);
	snprintf(name, sizeof(name), "%.*s", (int)what.n, what.p);
	title_set(title, name);
}

int
setup_apply(const struct spawn *job, const int *from, struct setup_fault *f)
{
	if (place_fds(job, from, f) == -1 || take_tty(job, f) == -1)
		return -1;
	if (job->umask != -1)
		umask(job->umask);
	if (enter(job, f) == -1 || open_files(job, f) == -1 ||
	    fill_env(job, f) == -1 || point_back(job, f) == -1 ||
	    limit(job, f) == -1)
		return -1;
	show_title(job);
	return 0;
}
