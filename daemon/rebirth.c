#include "daemon/rebirth.h"

#include <sys/wait.h>
#include <unistd.h>

#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/failure.h"
#include "daemon/lane.h"
#include "daemon/log.h"
#include "daemon/orphan.h"
#include "daemon/pidfd.h"
#include "daemon/templates.h"
#include "daemon/tree.h"
#include "daemon/zygote.h"

#define ORDERS_MAX 3 /* zygotes that may die over one child */

/* It was forked, and the zygote died before it said so. */
static bool
find_process(struct child *c)
{
	pid_t pid = orphan_find(c->srv, c->child_end);
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
	    !c->killed && !c->templ->gone && child_ctl_untouched(c)) {
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

	zygote_unbind(&c->zygote);
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

bool
rebirth_from_standby(struct child *c)
{
	if (!c->standby || c->child_end == -1 || c->state != CHILD_STARTING ||
	    c->killed || !child_ctl_untouched(c))
		return false;
	log_info("child=%ju pid=%d op=rebirth: its standby ended before it had "
		 "read of the job",
	    (uintmax_t)c->id, (int)c->pid);
	tree_unforked(c);
	close(c->pidfd);
	c->pid = 0;
	c->pidfd = -1;
	zygote_unbind(&c->zygote);
	c->standby = false;
	c->at.ordered = c->at.forked = 0;
	child_set_state(c, CHILD_QUEUED);
	lane_submit(c->lane, c);
	return true;
}

void
rebirth_no_more(struct child *c)
{
	if (!c->standby || c->child_end == -1)
		return;
	close(c->child_end);
	c->child_end = -1;
}
