#include "daemon/rebirth.h"

#include <sys/wait.h>

#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/failure.h"
#include "daemon/lane.h"
#include "daemon/orphan.h"
#include "daemon/pidfd.h"

#define ORDERS_MAX 3 /* zygotes that may die over one child */

/* It was forked, and the zygote died before it said so. */
static bool
find_process(struct child *c)
{
	pid_t pid = orphan_find(c->child_end);
	int pidfd = pid != 0 ? pidfd_of(pid) : -1;

	if (pidfd == -1)
		return false;
	child_forked(c, pid, pidfd, clock_ns());
	return true;
}

/* The zygote died before it forked C: the next one may, as long as nobody has
 * read of the job. */
static void
unforked(struct child *c, const char *how)
{
	struct failure f = { 0 };

	if (c->state == CHILD_STARTING && c->orders < ORDERS_MAX &&
	    !c->killed && child_ctl_untouched(c)) {
		child_set_state(c, CHILD_QUEUED);
		lane_again(c);
		return;
	}
	err_set(&f.err, ERR_TEMPLATE_FAILED,
	    "the zygote of template \"%s\" "
	    "ended before it had forked the child: it %s",
	    template_name(c->templ), how);
	lane_refuse(c, &f);
}

/* The zygote had reaped it, perhaps, and died before it said so. */
void
rebirth_orphaned(struct child *c, const char *how)
{
	int status;

	c->zygote = NULL;
	if (c->pid == 0 && !find_process(c)) {
		unforked(c, how);
		return;
	}
	if (!pidfd_exited(c->pidfd) || waitpid(c->pid, &status, WNOHANG) == 0)
		return;
	if (pidfd_status(c->pidfd, &status) == -1)
		status = -1;
	child_reaped(c, status, NULL);
}
