/*
 * peer: the connections of harness.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/clock.h"
#include "tests/harness.h"
#include "tests/lit.h"

#define MAX_OUT (64 << 20)

void
peer_open(struct peer *p)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(fd != -1);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", live.socket);
	ck_assert_msg(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0,
	    "connect: %s", strerror(errno));
	peer_adopt(p, fd);
}

void
peer_adopt(struct peer *p, int fd)
{
	stream_init(&p->st, fd, &frame_limits_default, MAX_OUT);
	p->id = 0;
}

void
peer_close(struct peer *p)
{
	stream_fini(&p->st);
}

void
peer_raw(struct peer *p, const void *bytes, size_t n)
{
	ck_assert_int_eq(send(p->st.fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

static uint32_t
request(struct peer *p, const char *method, const int *fds, unsigned nfds,
    const char *fmt, va_list ap)
{
	struct msg_out o;
	struct err e;
	char *text;

	ck_assert(vasprintf(&text, fmt, ap) != -1);
	msg_out_init(&o);
	msg_begin_request(&o, ++p->id, method);
	lit_pack(&o.pk, text);
	free(text);
	for (unsigned i = 0; i < nfds; i++)
		ck_assert_int_eq(msg_out_fd(&o,
				     fcntl(fds[i], F_DUPFD_CLOEXEC, 3)),
		    0);
	ck_assert_msg(stream_put(&p->st, &o, &e) == 0, "%s", e.msg);
	return p->id;
}

uint32_t
peer_send(struct peer *p, const char *method, const char *fmt, ...)
{
	va_list ap;
	uint32_t id;

	va_start(ap, fmt);
	id = request(p, method, NULL, 0, fmt, ap);
	va_end(ap);
	return id;
}

uint32_t
peer_send_fds(struct peer *p, const char *method, const int *fds, unsigned nfds,
    const char *fmt, ...)
{
	va_list ap;
	uint32_t id;

	va_start(ap, fmt);
	id = request(p, method, fds, nfds, fmt, ap);
	va_end(ap);
	return id;
}

static enum stream_fill
fill(struct peer *p, struct err *e)
{
	struct pollfd pfd = { .fd = p->st.fd, .events = POLLIN };

	ck_assert_msg(poll(&pfd, 1, DEADLINE_S * 1000) == 1,
	    "the daemon says nothing within %d s", DEADLINE_S);
	return stream_fill(&p->st, e);
}

/* The message outlives the stream's buffer. */
static void
keep(struct reply *r, const struct msg *m)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct err e;
	size_t n;

	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	msgpack_pack_object(&pk, m->unpacked.data);
	n = buf.size;
	r->copy = (uint8_t *)msgpack_sbuffer_release(&buf);
	r->fd = -1;
	ck_assert_int_eq(msg_unpack(&r->msg, r->copy, n, &e), 0);
}

void
peer_next(struct peer *p, struct reply *r)
{
	struct msg m;
	struct err e;
	int got;

	while ((got = stream_next(&p->st, &m, &e)) == 0) {
		enum stream_fill f = fill(p, &e);

		ck_assert_msg(f == STREAM_GOT,
		    "the daemon has closed the "
		    "connection (%d)",
		    (int)f);
	}
	ck_assert_msg(got == 1, "%s", e.msg);
	keep(r, &m);
	msg_fini(&m);
	if (r->msg.type == MSG_RESPONSE && has(r, "pidfd"))
		ck_assert_int_eq(stream_take_fds(&p->st, 1, &r->fd, &e), 0);
}

void
peer_response(struct peer *p, uint32_t id, struct reply *r)
{
	for (;;) {
		peer_next(p, r);
		if (r->msg.type == MSG_RESPONSE && r->msg.id == id)
			return;
		reply_fini(r);
	}
}

void
peer_event(struct peer *p, const char *name, struct reply *r)
{
	for (;;) {
		peer_next(p, r);
		if (r->msg.type == MSG_NOTIFY &&
		    strcmp(r->msg.method, name) == 0)
			return;
		reply_fini(r);
	}
}

void
peer_closed(struct peer *p)
{
	struct msg m;
	struct err e;

	while (fill(p, &e) == STREAM_GOT)
		while (stream_next(&p->st, &m, &e) == 1)
			msg_fini(&m);
}

void
reply_fini(struct reply *r)
{
	msg_fini(&r->msg);
	free(r->copy);
	if (r->fd != -1)
		close(r->fd);
	r->copy = NULL;
	r->fd = -1;
}

static const msgpack_object *
root(const struct reply *r)
{
	if (r->msg.type != MSG_RESPONSE)
		return &r->msg.params;
	return r->msg.error.type != MSGPACK_OBJECT_NIL ? &r->msg.error :
							 &r->msg.result;
}

static const msgpack_object *
member(const msgpack_object *o, const char *key, size_t n)
{
	if (o->type == MSGPACK_OBJECT_ARRAY)
		return (size_t)atoi(key) < o->via.array.size ?
		    &o->via.array.ptr[atoi(key)] :
		    NULL;
	if (o->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		const msgpack_object_str *k = &o->via.map.ptr[i].key.via.str;

		if (k->size == n && memcmp(k->ptr, key, n) == 0)
			return &o->via.map.ptr[i].val;
	}
	return NULL;
}

static const msgpack_object *
find(const struct reply *r, const char *path)
{
	const msgpack_object *o = root(r);

	while (o != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");

		o = member(o, path, n);
		path += n + (path[n] == '.');
	}
	return o;
}

const msgpack_object *
at(const struct reply *r, const char *path)
{
	const msgpack_object *o = find(r, path);

	if (o == NULL) {
		msgpack_object_print(stderr, *root(r));
		fputc('\n', stderr);
	}
	ck_assert_msg(o != NULL, "no \"%s\" in the reply", path);
	return o;
}

bool
has(const struct reply *r, const char *path)
{
	return find(r, path) != NULL;
}

int64_t
int_at(const struct reply *r, const char *path)
{
	const msgpack_object *o = at(r, path);

	ck_assert_msg(o->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
		o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER,
	    "\"%s\" is no int", path);
	return o->via.i64;
}

bool
bool_at(const struct reply *r, const char *path)
{
	const msgpack_object *o = at(r, path);

	ck_assert_msg(o->type == MSGPACK_OBJECT_BOOLEAN, "\"%s\" is no bool",
	    path);
	return o->via.boolean;
}

const char *
str_at(const struct reply *r, const char *path)
{
	const msgpack_object *o = at(r, path);

	ck_assert_msg(o->type == MSGPACK_OBJECT_STR ||
		o->type == MSGPACK_OBJECT_BIN,
	    "\"%s\" is no text", path);
	return kept(strndup(o->via.str.ptr, o->via.str.size));
}

static void
expect_result(const struct reply *r, const char *method)
{
	if (r->msg.error.type == MSGPACK_OBJECT_NIL)
		return;
	msgpack_object_print(stderr, r->msg.error);
	fputc('\n', stderr);
	ck_abort_msg("%s is refused: %s", method, str_at(r, "message"));
}

void
ask(struct peer *p, struct reply *r, const char *method, const char *fmt, ...)
{
	va_list ap;
	uint32_t id;

	va_start(ap, fmt);
	id = request(p, method, NULL, 0, fmt, ap);
	va_end(ap);
	peer_response(p, id, r);
	expect_result(r, method);
}

void
refused(struct peer *p, const char *code, const char *key, const char *method,
    const char *fmt, ...)
{
	struct reply r;
	va_list ap;
	uint32_t id;

	va_start(ap, fmt);
	id = request(p, method, NULL, 0, fmt, ap);
	va_end(ap);
	peer_response(p, id, &r);
	ck_assert_msg(r.msg.error.type == MSGPACK_OBJECT_MAP, "%s is served",
	    method);
	ck_assert_str_eq(str_at(&r, "code"), code);
	ck_assert_msg(str_at(&r, "message")[0] != '\0', "no message");
	if (key != NULL)
		ck_assert_str_eq(str_at(&r, "key"), key);
	reply_fini(&r);
}

static uint64_t
spawn_fds(struct peer *p, const int *fds, unsigned nfds, const char *fmt,
    va_list ap)
{
	uint32_t id = request(p, "spawn", fds, nfds, fmt, ap);
	struct reply r;
	uint64_t child;

	peer_response(p, id, &r);
	expect_result(&r, "spawn");
	child = int_at(&r, "id");
	reply_fini(&r);
	return child;
}

uint64_t
spawn(struct peer *p, const char *fmt, ...)
{
	va_list ap;
	uint64_t child;

	va_start(ap, fmt);
	child = spawn_fds(p, NULL, 0, fmt, ap);
	va_end(ap);
	return child;
}

void
wait_end(struct peer *p, uint64_t id, struct reply *r)
{
	ask(p, r, "wait", "{'id': %ju}", (uintmax_t)id);
}

int
run(struct peer *p, struct reply *record, const char *fmt, ...)
{
	va_list ap;
	uint64_t child;

	va_start(ap, fmt);
	child = spawn_fds(p, NULL, 0, fmt, ap);
	va_end(ap);
	wait_end(p, child, record);
	return has(record, "signal") ? -(int)int_at(record, "signal") :
				       (int)int_at(record, "exit_code");
}

const char *
output(struct peer *p, const char *fmt, ...)
{
	int pipefd[2];
	const char *text;
	va_list ap;

	ck_assert_int_eq(pipe2(pipefd, O_CLOEXEC), 0);
	va_start(ap, fmt);
	spawn_fds(p, &pipefd[1], 1, fmt, ap);
	va_end(ap);
	close(pipefd[1]);
	text = read_text(pipefd[0], false);
	close(pipefd[0]);
	return text;
}
