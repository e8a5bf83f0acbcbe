#include "daemon/exhausted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/clock.h"

#define KEPT 64                 /* or an eighth of all, where that is less */
#define HINT_NS (NS_PER_S / 10) /* nobody knows when others are done */

static int
set(struct err *e, const char *resource)
{
	e->code = ERR_BUSY;
	e->resource = resource;
	e->retry_ns = HINT_NS;
	return -1;
}

void
exhausted_name(struct err *e)
{
	if (e->code != ERR_SYSTEM || e->resource != NULL)
		return;
	switch (e->sys) {
	case EMFILE:
	case ENFILE:
		set(e, "descriptors");
		break;
	case EAGAIN: /* fork's, or a control group's that holds no more */
		set(e, "processes");
		break;
	case ENOMEM:
	case ENOBUFS:
		set(e, "memory");
		break;
	case ENOSPC:
	case EDQUOT:
		set(e, "space");
		break;
	}
}

/* As each new one is the lowest that is free, below it there is none. */
static rlim_t
left(rlim_t *most)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	getrlimit(RLIMIT_NOFILE, &r);
	*most = r.rlim_cur;
	if (fd == -1)
		return errno == EMFILE || errno == ENFILE ? 0 : r.rlim_cur;
	close(fd);
	return (rlim_t)fd < r.rlim_cur ? r.rlim_cur - (rlim_t)fd : 0;
}

static rlim_t
kept(rlim_t most)
{
	return most / 8 < KEPT ? most / 8 : KEPT;
}

int
exhausted_descriptors(struct err *e)
{
	rlim_t most, n = left(&most);

	if (n > kept(most))
		return 0;
	err_set(e, ERR_BUSY,
	    "the daemon has %ju descriptors left of %ju, which it keeps",
	    (uintmax_t)n, (uintmax_t)most);
	return set(e, "descriptors");
}

int
exhausted_watches(struct err *e)
{
	err_set(e, ERR_BUSY,
	    "the kernel watches no more descriptors for the daemon's user "
	    "(fs.epoll.max_user_watches)");
	return set(e, "space");
}

bool
exhausted_nearly(void)
{
	rlim_t most, n = left(&most);

	return n <= kept(most) / 2;
}
