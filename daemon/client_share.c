#include "daemon/client_share.h"

#include "daemon/admission.h"
#include "daemon/clients.h"
#include "daemon/server.h"

static void
set_bytes(struct client *c, uint64_t bytes)
{
	c->user->bytes += bytes - c->bytes;
	c->srv->users.bytes += bytes - c->bytes;
	c->bytes = bytes;
}

static void
set_requests(struct client *c, size_t n)
{
	c->user->requests += n - c->requests;
	c->srv->users.requests += n - c->requests;
	c->requests = n;
}

void
client_share_join(struct client *c)
{
	if (!c->refused)
		c->user->clients++;
}

void
client_share_leave(struct client *c)
{
	if (c->user == NULL)
		return;
	set_bytes(c, 0);
	set_requests(c, 0);
	c->user->clients -= !c->refused;
	user_drop(c->srv, c->user);
}

void
client_asked(struct client *c)
{
	set_requests(c, c->requests + 1);
}

void
client_answered(struct client *c)
{
	if (c->requests > 0)
		set_requests(c, c->requests - 1);
}

int
client_share_weigh(struct client *c, struct err *e)
{
	if (c->user == NULL)
		return 0;
	set_bytes(c, c->st.in_cap + c->st.out_bytes);
	return admission_bytes(c, e);
}
