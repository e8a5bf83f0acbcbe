#include "daemon/own_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"

/* A child's control socket is its descriptor 511. */
#define CHILD_NOFILE 1024
#define OOM_FILE "/proc/self/oom_score_adj"
#define OOM_MERCY 500
#define OOM_LEAST (-999) /* -1000 would be never at all */

/* Each client and child takes descriptors: as many as we may have.  Zygotes
 * and children get back what was there, but room for their control socket. */
static void
take_nofile(struct own_limits *l)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	l->nofile = r;
	if (l->nofile.rlim_cur < CHILD_NOFILE)
		l->nofile.rlim_cur = r.rlim_max < CHILD_NOFILE ? r.rlim_max :
								 CHILD_NOFILE;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		log_warn("raise RLIMIT_NOFILE: %s", strerrordesc_np(errno));
}

static int
write_oom(const char *s)
{
	int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC), saved;
	size_t n = strlen(s);
	ssize_t r;

	if (fd == -1)
		return -1;
	r = write(fd, s, n);
	saved = errno;
	close(fd);
	errno = saved;
	return r == (ssize_t)n ? 0 : -1;
}

/* Without the daemon no child's end is told to anybody. */
static void
take_mercy(struct own_limits *l)
{
	FILE *f = fopen(OOM_FILE, "re");
	char mine[16];
	int was;

	if (f == NULL)
		return;
	if (fscanf(f, "%d", &was) == 1) {
		snprintf(mine, sizeof(mine), "%d",
		    was - OOM_MERCY < OOM_LEAST ? OOM_LEAST : was - OOM_MERCY);
		/* Takes CAP_SYS_RESOURCE: a user's daemon has none. */
		if (atoi(mine) < was && write_oom(mine) == 0)
			snprintf(l->oom_score_adj, sizeof(l->oom_score_adj),
			    "%d", was);
	}
	fclose(f);
}

static int
read_oom(void)
{
	FILE *f = fopen(OOM_FILE, "re");
	int v = 0;

	if (f != NULL && fscanf(f, "%d", &v) != 1)
		v = 0;
	if (f != NULL)
		fclose(f);
	return v;
}

void
own_limits_take(struct own_limits *l)
{
	*l = (struct own_limits){ 0 };
	take_nofile(l);
	take_mercy(l);
}

int
own_limits_oom(const struct own_limits *l)
{
	return l->oom_score_adj[0] != '\0' ? atoi(l->oom_score_adj) :
					     read_oom();
}

int
own_limits_give_back(const struct own_limits *l)
{
	if (l->oom_score_adj[0] != '\0' && write_oom(l->oom_score_adj) == -1)
		return -1;
	return setrlimit(RLIMIT_NOFILE, &l->nofile);
}
