#include "daemon/limits_raise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/process.h"
#include "daemon/server.h"

int
limits_capability(enum limit which)
{
	return which == LIMIT_NICE ? CAP_SYS_NICE : CAP_SYS_RESOURCE;
}

bool
limits_may_raise(const struct server *srv, enum limit which)
{
	return srv->uid == 0 &&
	    process_capable(getpid(), limits_capability(which));
}

rlim_t
limits_inherited(const struct server *srv, int resource)
{
	struct rlimit r = { .rlim_max = RLIM_INFINITY };

	if (resource == RLIMIT_NOFILE)
		return srv->limits.nofile.rlim_max;
	getrlimit(resource, &r);
	return r.rlim_max;
}

static int
refuse(const struct config_template *t, enum limit which, intmax_t asked,
    const char *how, intmax_t bound, struct err *e)
{
	char key[sizeof(e->key)];

	snprintf(key, sizeof(key), "template.%s.%s", t->name,
	    limit_name(which));
	err_key(e, key, "%s: %jd is %s %jd, and the daemon may not go beyond",
	    key, asked, how, bound);
	e->code = ERR_TEMPLATE_FAILED;
	return -1;
}

static int
check_rlimits(const struct server *srv, const struct config_template *t,
    struct err *e)
{
	const struct limits *l = &t->limits;

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		char key[sizeof(e->key)];
		rlim_t most = limits_inherited(srv, i);

		if ((l->rlimits & 1u << i) == 0 ||
		    l->rlimit[i].rlim_max <= most)
			continue;
		snprintf(key, sizeof(key), "template.%s.rlimits.%s", t->name,
		    limit_resource_name(i));
		err_key(e, key,
		    "%s: %ju is above the hard limit that the daemon was "
		    "started with, %ju, and it may not raise that",
		    key, (uintmax_t)l->rlimit[i].rlim_max, (uintmax_t)most);
		e->code = ERR_TEMPLATE_FAILED;
		return -1;
	}
	return 0;
}

int
limits_raise_check(const struct server *srv, const struct config_template *t,
    struct err *e)
{
	const struct limits *l = &t->limits;
	int nice = getpriority(PRIO_PROCESS, 0);
	int oom = own_limits_oom(&srv->limits);

	if (limits_have(l, LIMIT_NICE) && l->nice < nice &&
	    !limits_may_raise(srv, LIMIT_NICE))
		return refuse(t, LIMIT_NICE, l->nice, "below the daemon's",
		    nice, e);
	if (limits_have(l, LIMIT_OOM_SCORE_ADJ) && l->oom_score_adj < oom &&
	    !limits_may_raise(srv, LIMIT_OOM_SCORE_ADJ))
		return refuse(t, LIMIT_OOM_SCORE_ADJ, l->oom_score_adj,
		    "below the daemon's", oom, e);
	if (l->rlimits == 0 || limits_may_raise(srv, LIMIT_RLIMITS))
		return 0;
	return check_rlimits(srv, t, e);
}

/* V in digits at the end of BUF, which has N bytes. */
static const char *
digits(int v, char *buf, size_t n, size_t *len)
{
	unsigned u = v < 0 ? -(unsigned)v : (unsigned)v;
	char *p = buf + n;

	do
		*--p = '0' + u % 10;
	while ((u /= 10) > 0);
	if (v < 0)
		*--p = '-';
	*len = buf + n - p;
	return p;
}

static int
lower_oom(int to)
{
	static const char file[] = "/proc/self/oom_score_adj";
	char buf[16];
	size_t n = 0;
	const char *text = digits(to, buf, sizeof(buf), &n);
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	ssize_t r = fd != -1 ? write(fd, text, n) : -1;

	if (fd != -1)
		close(fd);
	return r == (ssize_t)n ? 0 : -1;
}

/* Those that are less than what is there are left to the children: the zygote
 * would meet them, and some count what it has used itself. */
int
limits_raise(const struct limits *l, int oom)
{
	struct rlimit r;

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if ((l->rlimits & 1u << i) == 0 || getrlimit(i, &r) == -1 ||
		    l->rlimit[i].rlim_max <= r.rlim_max)
			continue;
		r.rlim_max = l->rlimit[i].rlim_max;
		if (setrlimit(i, &r) == -1)
			return -1;
	}
	if (limits_have(l, LIMIT_NICE) &&
	    l->nice < getpriority(PRIO_PROCESS, 0) &&
	    setpriority(PRIO_PROCESS, 0, l->nice) == -1)
		return -1;
	if (limits_have(l, LIMIT_OOM_SCORE_ADJ) && l->oom_score_adj < oom)
		return lower_oom(l->oom_score_adj);
	return 0;
}
