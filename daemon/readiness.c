#include "daemon/readiness.h"

#include <errno.h>
#include <ev.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/child_end.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "proto/map.h"
#include "proto/pack.h"

#define DATAGRAM_MAX 4096 /* bytes, as systemd has it */
#define TURN 16           /* datagrams of one child, then others' */
#define LAST 1024         /* of an exited one; more than any queue has */
#define STATUS_MAX 1024   /* bytes */

struct readiness {
	enum spawn_ready how;
	bool ready;
	msgpack_sbuffer value; /* packed; empty: none */
	char *status;          /* NULL: none */
	int fd;                /* of notify, or -1 */
	ev_io rd;
	char name[sizeof(struct sockaddr_un)]; /* for NOTIFY_SOCKET */
};

bool
readiness_pending(const struct child *c)
{
	return c->readiness != NULL && !c->readiness->ready;
}

static void
now_ready(struct child *c)
{
	if (c->readiness->ready)
		return;
	c->readiness->ready = true;
	c->at.ready = clock_ns();
	spawn_reply_started(c);
}

int
readiness_told(struct child *c, const msgpack_object *params, struct err *e)
{
	struct readiness *r = c->readiness;
	const msgpack_object *value;
	msgpack_packer pk;
	struct map m;
	int has;

	if (r == NULL || r->how != SPAWN_TOLD || r->ready || c->at.noticed == 0)
		return err_set(e, ERR_MALFORMED, "`told` out of turn");
	if (map_init(&m, params, "told", e) == -1)
		return -1;
	has = map_obj(&m, "value", MAP_OPTIONAL, &value);
	if (has == 1) {
		pack_init(&pk, &r->value);
		msgpack_pack_object(&pk, *value);
		if (pack_spoilt(&r->value))
			return err_memory(e, "the value of `told`");
	}
	if (r->value.size > SPAWN_MAX_READY)
		return err_set(e, ERR_LIMIT, "`told` with a value of %zu bytes",
		    r->value.size);
	now_ready(c);
	return 0;
}

static void
take_status(struct readiness *r, struct bytes text)
{
	free(r->status);
	r->status = text.n > 0 ? bytes_dup(bytes_cut(text, STATUS_MAX)) : NULL;
}

/* Lines of NAME=VALUE; what we have no use for is passed over. */
static void
take_datagram(struct child *c, const char *p, size_t n)
{
	static const char status[] = "STATUS=";
	const size_t at = sizeof(status) - 1;
	bool ready = false;

	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		struct bytes line = { p, end != NULL ? (size_t)(end - p) : n };

		if (bytes_eq(line, "READY=1"))
			ready = true;
		else if (line.n >= at && memcmp(p, status, at) == 0)
			take_status(c->readiness,
			    (struct bytes){ p + at, line.n - at });
		n -= line.n + (end != NULL);
		p += line.n + (end != NULL);
	}
	if (ready)
		now_ready(c);
}

/* Descriptors that come with it find no room and are closed by the kernel. */
static bool
sent_by_its_user(const struct child *c, struct msghdr *mh)
{
	const struct cmsghdr *cm = CMSG_FIRSTHDR(mh);
	const struct account *as;
	struct ucred cred;

	if (cm == NULL || cm->cmsg_level != SOL_SOCKET ||
	    cm->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&cred, CMSG_DATA(cm), sizeof(cred));
	/* Not who asked for it, but as whom it runs. */
	as = template_account(c->templ, c->templ->cfg);
	return cred.uid == (as != NULL ? as->uid : c->srv->uid) ||
	    cred.uid == 0;
}

/* One datagram.  Whether there may be more. */
static bool
read_one(struct child *c)
{
	char buf[DATAGRAM_MAX];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(c->readiness->fd, &mh,
	    MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n == -1)
		return false;
	if ((mh.msg_flags & MSG_TRUNC) != 0 || !sent_by_its_user(c, &mh))
		log_warn("child=%ju op=notify: a message that is too long or "
			 "another user's",
		    (uintmax_t)c->id);
	else
		take_datagram(c, buf, n);
	return true;
}

static void
read_cb(struct ev_loop *loop, ev_io *w, int events)
{
	struct child *c = w->data;

	(void)loop;
	if ((events & EV_ERROR) != 0) {
		child_unheard(c);
		return;
	}
	for (int i = 0; i < TURN && read_one(c); i++)
		;
}

void
readiness_drain(struct child *c)
{
	if (c->readiness == NULL || c->readiness->fd == -1)
		return;
	for (int i = 0; i < LAST && read_one(c); i++)
		;
}

/* A name of the kernel's choice in the abstract namespace: nothing to be
 * removed, and no folder that all can write to. */
static int
listen_at(struct readiness *r, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(sun);
	int on = 1;

	r->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r->fd == -1 ||
	    setsockopt(r->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == -1 ||
	    bind(r->fd, (struct sockaddr *)&sun, sizeof(sa_family_t)) == -1 ||
	    getsockname(r->fd, (struct sockaddr *)&sun, &n) == -1)
		return err_sys(e, errno, "make a socket for notifications");
	n -= offsetof(struct sockaddr_un, sun_path);
	r->name[0] = '@';
	memcpy(r->name + 1, sun.sun_path + 1, n - 1);
	return 0;
}

int
readiness_open(struct child *c, struct spawn *s, struct err *e)
{
	struct readiness *r;

	if (s->ready == SPAWN_STARTED)
		return 0;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_memory(e, "a child");
	c->readiness = r;
	r->how = s->ready;
	r->fd = -1;
	msgpack_sbuffer_init(&r->value);
	if (s->ready == SPAWN_TOLD)
		return 0;
	if (listen_at(r, e) == -1)
		return -1;
	ev_io_init(&r->rd, read_cb, r->fd, EV_READ);
	r->rd.data = c;
	ev_io_start(c->srv->loop, &r->rd);
	s->notify = bytes_of(r->name);
	return 0;
}

void
readiness_end(struct child *c)
{
	struct readiness *r = c->readiness;

	if (r == NULL)
		return;
	/* What records hold is bounded; this is of use to the living only. */
	msgpack_sbuffer_destroy(&r->value);
	msgpack_sbuffer_init(&r->value);
	if (r->fd == -1)
		return;
	ev_io_stop(c->srv->loop, &r->rd);
	close(r->fd);
	r->fd = -1;
}

void
readiness_free(struct child *c)
{
	struct readiness *r = c->readiness;

	if (r == NULL)
		return;
	readiness_end(c);
	free(r->status);
	free(r);
	c->readiness = NULL;
}

void
readiness_pack_result(const struct child *c, msgpack_packer *pk,
    struct pack_map *m)
{
	const struct readiness *r = c->readiness;

	if (r == NULL || r->value.size == 0)
		return;
	pack_key(pk, m, "value");
	pack_append(pk, &r->value);
}

void
readiness_pack_inspect(const struct child *c, msgpack_packer *pk,
    struct pack_map *m)
{
	const struct readiness *r = c->readiness;

	if (r == NULL)
		return;
	pack_kv_bool(pk, m, "ready", r->ready);
	if (r->status != NULL)
		pack_kv_text(pk, m, "status", r->status);
}
