#include "daemon/identity.h"

#include <stdint.h>
#include <sys/socket.h>

#include "daemon/clients.h"
#include "daemon/log.h"
#include "daemon/pidfd.h"
#include "daemon/server.h"

static int
may_connect(struct client *c)
{
	const struct server *srv = c->srv;

	if (c->uid != srv->uid)
		return err_set(&c->refusal, ERR_DENIED,
		    "uid %ju may not use "
		    "the daemon of uid %ju",
		    (uintmax_t)c->uid, (uintmax_t)srv->uid);
	if (srv->clients.n >= srv->cfg->server.max_clients)
		return err_set(&c->refusal, ERR_BUSY,
		    "all %ju connections "
		    "are taken",
		    (uintmax_t)srv->cfg->server.max_clients);
	return 0;
}

int
identity_check(struct client *c, int fd)
{
	struct ucred cred = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t n = sizeof(cred);

	/* Without credentials it stays nobody, and is refused. */
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n);
	c->uid = cred.uid;
	c->pid = cred.pid;
	c->pidfd = pidfd_of_peer(fd, c->pid);
	if (may_connect(c) == 0)
		return 0;
	log_info("conn=%ju pid=%d uid=%ju op=refuse: %s", (uintmax_t)c->id,
	    (int)c->pid, (uintmax_t)c->uid, c->refusal.msg);
	return -1;
}

bool
identity_may_touch(const struct client *c, uid_t owner)
{
	return c->uid == owner || c->uid == 0 || c->uid == c->srv->uid;
}
