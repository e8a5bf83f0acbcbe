/*
 * call: the public functions.  Owns nothing of its own; errors of the wire
 * become errors of the library here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/conn.h"
#include "proto/pack.h"

#define MAX_OUT ((size_t)64 << 20) /* bytes of requests not yet written */

static int
tell(struct forkserver_error *out, const struct err *e)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->code, sizeof(out->code), "%s", err_name(e->code));
	out->sys = e->sys;
	memcpy(out->key, e->key, sizeof(out->key));
	memcpy(out->message, e->msg, sizeof(out->message));
	return -1;
}

/* A process that a child has started is known to the daemon by the cookie in its
 * environment.  The answer is of no interest: another daemon, or an older one,
 * does not know the cookie. */
static void
introduce(struct forkserver *fs)
{
	const char *cookie = getenv("FORKSERVER_PARENT");
	struct forkserver_error ignored;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	uint32_t id;

	if (cookie == NULL)
		return;
	msgpack_sbuffer_init(&buf);
	pack_init(&pk, &buf);
	msgpack_pack_map(&pk, 1);
	pack_str(&pk, "parent");
	pack_text(&pk, cookie, strlen(cookie));
	if (forkserver_send(fs, "hello", buf.data, buf.size, NULL, 0, &id,
		&ignored) == 0)
		forkserver_forget(fs, id);
	msgpack_sbuffer_destroy(&buf);
}

struct forkserver *
forkserver_connect(const char *path, int timeout_ms,
    struct forkserver_error *out)
{
	struct forkserver *fs;
	struct err e;
	int fd;

	fd = conn_dial(path, timeout_ms, &e);
	if (fd == -1) {
		tell(out, &e);
		return NULL;
	}
	fs = calloc(1, sizeof(*fs));
	if (fs == NULL) {
		err_memory(&e, "a connection");
		tell(out, &e);
		close(fd);
		return NULL;
	}
	stream_init(&fs->stream, fd, &frame_limits_default, MAX_OUT);
	fs->events_tail = &fs->events;
	introduce(fs);
	return fs;
}

static void
call_free(struct conn_call *c)
{
	forkserver_reply_free(&c->reply);
	free(c);
}

void
forkserver_close(struct forkserver *fs)
{
	struct forkserver_event ev;
	struct forkserver_error ignored;
	struct err gone;
	struct conn_call *c;

	if (fs == NULL)
		return;
	err_set(&gone, ERR_DISCONNECTED, "closed");
	conn_break(fs, &gone);
	while (forkserver_next_event(fs, 0, &ev, &ignored) == 1)
		forkserver_event_free(&ev);
	while ((c = fs->calls) != NULL) {
		fs->calls = c->next;
		call_free(c);
	}
	stream_fini(&fs->stream);
	free(fs);
}

static int
pack_request(struct msg_out *o, uint32_t id, const char *method,
    const void *params, size_t n, const int *fds, unsigned nfds, struct err *e)
{
	msg_begin_request(o, id, method);
	if (n == 0)
		msgpack_pack_map(&o->pk, 0);
	else
		pack_raw(&o->pk, params, n);
	for (unsigned i = 0; i < nfds; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd == -1)
			return err_sys(e, errno, "duplicate descriptor %d",
			    fds[i]);
		if (msg_out_fd(o, fd) == -1)
			return err_set(e, ERR_LIMIT,
			    "%u descriptors cannot be sent at once", nfds);
	}
	return 0;
}

/* An id that no call waits on: they wrap after 2^32. */
static uint32_t
new_id(struct forkserver *fs)
{
	const struct conn_call *c;

	do {
		fs->last_id++;
		for (c = fs->calls; c != NULL; c = c->next)
			if (c->id == fs->last_id)
				break;
	} while (c != NULL);
	return fs->last_id;
}

int
forkserver_send(struct forkserver *fs, const char *method, const void *params,
    size_t n, const int *fds, unsigned nfds, uint32_t *id,
    struct forkserver_error *out)
{
	struct conn_call *c;
	struct msg_out o;
	struct err e;

	if (fs->broken)
		return tell(out, &fs->why);
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		err_memory(&e, "a call");
		return tell(out, &e);
	}
	c->id = new_id(fs);
	msg_out_init(&o);
	if (pack_request(&o, c->id, method, params, n, fds, nfds, &e) == -1) {
		msg_out_fini(&o);
		free(c);
		return tell(out, &e);
	}
	/*
	 * Where the daemon has closed the connection it may have said why:
	 * that is read as the response.
	 */
	if (stream_put(&fs->stream, &o, &e) == -1 &&
	    e.code != ERR_DISCONNECTED) {
		free(c);
		return tell(out, &e);
	}
	c->next = fs->calls;
	fs->calls = c;
	*id = c->id;
	return 0;
}

static struct conn_call **
find_call(struct forkserver *fs, uint32_t id)
{
	struct conn_call **c = &fs->calls;

	while (*c != NULL && (*c)->id != id)
		c = &(*c)->next;
	return c;
}

int
forkserver_result(struct forkserver *fs, uint32_t id, int timeout_ms,
    struct forkserver_reply *r, struct forkserver_error *out)
{
	int64_t deadline = conn_deadline(timeout_ms);
	struct conn_call **at = find_call(fs, id), *c = *at;
	struct err e;
	int rc = conn_pump(fs);

	*r = (struct forkserver_reply){ 0 };
	if (c == NULL) {
		err_set(&e, ERR_INTERNAL, "no call %u is under way", id);
		return tell(out, &e);
	}
	while (!c->done && rc != -1) {
		rc = conn_wait(fs, deadline);
		if (rc == 0 && !c->done)
			return 0;
	}
	*at = c->next;
	if (c->done) {
		*r = c->reply;
		c->reply = (struct forkserver_reply){ 0 };
		rc = c->failed ? tell(out, &c->error) : 1;
	} else {
		rc = tell(out, &fs->why);
	}
	call_free(c);
	return rc;
}

void
forkserver_forget(struct forkserver *fs, uint32_t id)
{
	struct conn_call **at = find_call(fs, id), *c = *at;

	if (c == NULL)
		return;
	*at = c->next;
	call_free(c);
}

int
forkserver_call(struct forkserver *fs, const char *method, const void *params,
    size_t n, const int *fds, unsigned nfds, int timeout_ms,
    struct forkserver_reply *r, struct forkserver_error *out)
{
	struct err e;
	uint32_t id;
	int rc;

	*r = (struct forkserver_reply){ 0 };
	if (forkserver_send(fs, method, params, n, fds, nfds, &id, out) == -1)
		return -1;
	rc = forkserver_result(fs, id, timeout_ms, r, out);
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	forkserver_forget(fs, id);
	err_set(&e, ERR_TIMEOUT, "%s: no answer within %d ms", method,
	    timeout_ms);
	return tell(out, &e);
}

int
forkserver_next_event(struct forkserver *fs, int timeout_ms,
    struct forkserver_event *ev, struct forkserver_error *out)
{
	int64_t deadline = conn_deadline(timeout_ms);
	struct conn_event *e;
	int rc = conn_pump(fs);

	while ((e = fs->events) == NULL) {
		if (rc == -1)
			return tell(out, &fs->why);
		rc = conn_wait(fs, deadline);
		if (rc == 0 && fs->events == NULL)
			return 0;
	}
	fs->events = e->next;
	if (fs->events == NULL)
		fs->events_tail = &fs->events;
	*ev = e->ev;
	free(e);
	return 1;
}

int
forkserver_fd(const struct forkserver *fs)
{
	return fs->stream.fd;
}

short
forkserver_poll_events(const struct forkserver *fs)
{
	return stream_pending(&fs->stream) ? POLLIN | POLLOUT : POLLIN;
}

void
forkserver_reply_free(struct forkserver_reply *r)
{
	free(r->data);
	for (unsigned i = 0; i < r->nfds; i++)
		if (r->fds[i] != -1)
			close(r->fds[i]);
	free(r->fds);
	*r = (struct forkserver_reply){ 0 };
}

void
forkserver_event_free(struct forkserver_event *ev)
{
	free(ev->data);
	*ev = (struct forkserver_event){ 0 };
}
