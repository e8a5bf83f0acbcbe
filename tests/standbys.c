#include "tests/standbys.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "proto/clock.h"

int64_t
standby_value(struct peer *p, const char *key)
{
	char path[64];
	struct reply r;
	int64_t v;

	snprintf(path, sizeof(path), "templates.0.%s", key);
	ask(p, &r, "templates", "{}");
	v = int_at(&r, path);
	reply_fini(&r);
	return v;
}

void
standby_until(struct peer *p, const char *key, int64_t v)
{
	uint64_t end = clock_ns() + DEADLINE_S * NS_PER_S;
	struct pollfd none = { .fd = -1 };

	while (standby_value(p, key) != v) {
		ck_assert_msg(clock_ns() < end, "%s is %jd, not %jd", key,
		    (intmax_t)standby_value(p, key), (intmax_t)v);
		poll(&none, 1, 5);
	}
}

unsigned
standby_pids(struct peer *p, pid_t *pids)
{
	return process_kids(standby_value(p, "pid"), pids, STANDBYS_MAX);
}

void
standby_stop(pid_t pid)
{
	uint64_t end = clock_ns() + DEADLINE_S * NS_PER_S;

	kill(pid, SIGSTOP);
	while (process_state(pid) != 'T')
		ck_assert(clock_ns() < end);
}

unsigned
standby_stop_all(struct peer *p, pid_t *pids)
{
	unsigned n = standby_pids(p, pids);

	for (unsigned i = 0; i < n; i++)
		standby_stop(pids[i]);
	return n;
}
