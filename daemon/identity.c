#include "daemon/identity.h"

#include <stdint.h>
#include <sys/socket.h>

#include "daemon/admission.h"
#include "daemon/clients.h"
#include "daemon/confined.h"
#include "daemon/pidfd.h"
#include "daemon/refusals.h"
#include "daemon/server.h"

/* Root is no exception where the daemon is another's: it has no business
 * there. */
static bool
is_named(const struct client *c)
{
	return c->account.uid == c->srv->uid ||
	    guests_has(&c->srv->guests, &c->account);
}

static int
may_connect(struct client *c)
{
	const struct server *srv = c->srv;

	if (!is_named(c))
		return err_set(&c->refusal, ERR_DENIED,
		    "uid %ju may not use "
		    "the daemon of uid %ju",
		    (uintmax_t)c->account.uid, (uintmax_t)srv->uid);
	/* A user's daemon has nothing that its user has not. */
	if (srv->uid == 0 && !srv->cfg->server.allow_confined)
		return confined_check(c->pid, c->pidfd, &c->refusal);
	return 0;
}

int
identity_check(struct client *c, int fd)
{
	struct ucred cred = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t n = sizeof(cred);

	if (account_of_peer(&c->account, fd, &c->refusal) == -1)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0)
		c->pid = cred.pid;
	c->pidfd = pidfd_of_peer(fd, c->pid);
	c->user = user_of(c->srv, c->account.uid, &c->refusal);
	if (c->user == NULL)
		return -1;
	if (may_connect(c) == 0 && admission_client(c, &c->refusal) == 0)
		return 0;
	refusals_log(c, "connect", c->refusal.msg);
	return -1;
}

bool
identity_rules(const struct client *c)
{
	return c->account.uid == 0 || c->account.uid == c->srv->uid;
}

bool
identity_may_touch(const struct client *c, uid_t owner)
{
	return c->account.uid == owner || identity_rules(c);
}

int
identity_must_rule(const struct client *c, const char *method, struct err *e)
{
	if (identity_rules(c))
		return 0;
	err_set(e, ERR_DENIED, "uid %ju may not ask for \"%s\" of this daemon",
	    (uintmax_t)c->account.uid, method);
	refusals_log(c, method, e->msg);
	return -1;
}
