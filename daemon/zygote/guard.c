#include "daemon/zygote/guard.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "proto/clock.h"

#define EVENTS 64

bool
guard_needed(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
}

/* Kills whose time is over.  Milliseconds until the next, -1: there is none. */
static int
strike(struct kids *kids, uint64_t since)
{
	uint64_t now = clock_ns(), next = UINT64_MAX;
	struct kid *k;

	LIST_FOREACH(k, kids, link)
	{
		if (!k->order.leased)
			continue;
		if (now - since >= k->order.grace_ns) {
			kid_kill(k);
		} else if (since + k->order.grace_ns - now < next) {
			next = since + k->order.grace_ns - now;
		}
	}
	return next == UINT64_MAX ? -1 : (int)(next / 1000000) + 1;
}

static bool
any_leased(const struct kids *kids)
{
	struct kid *k;

	LIST_FOREACH(k, kids, link)
	if (k->order.leased)
		return true;
	return false;
}

void
guard_run(struct kids *kids, int epfd)
{
	struct epoll_event ev[EVENTS];
	uint64_t since = clock_ns();
	struct rusage ru;
	int status;

	while (any_leased(kids)) {
		int n = epoll_wait(epfd, ev, EVENTS, strike(kids, since));

		if (n == -1 && errno != EINTR)
			return;
		for (int i = 0; i < n; i++) {
			struct kid *k = ev[i].data.ptr;

			/* It has ended of the hang-up: what is left of it
			 * ends, too. */
			if (k->order.leased)
				kid_kill(k);
			if (kid_reap(epfd, k, &status, &ru) == 1)
				kid_free(k);
		}
	}
}
