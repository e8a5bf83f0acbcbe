#include "daemon/zygote_says.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/failure.h"
#include "daemon/gather.h"
#include "daemon/lane.h"
#include "daemon/log.h"
#include "daemon/pulse.h"
#include "daemon/server.h"
#include "daemon/spawn_reply.h"
#include "daemon/standby.h"
#include "daemon/templates.h"
#include "daemon/zygote.h"
#include "proto/map.h"
#include "proto/pack.h"

/* What an order of this zygote's has become, and that is not over: one of
 * the two is NULL. */
struct ordered {
	struct child *c;
	struct standby *sb;
};

static int
read_order(struct zygote *z, struct map *m, struct ordered *to, struct err *e)
{
	uint64_t order;

	if (map_uint(m, "order", MAP_REQUIRED, UINT64_MAX, &order) == -1)
		return -1;
	to->c = table_get(&z->srv->children.by_order, order);
	to->sb = to->c == NULL ? standby_find(z->srv, order) : NULL;
	if ((to->c != NULL && to->c->zygote == z) ||
	    (to->sb != NULL && to->sb->zygote == z))
		return 0;
	return err_set(e, ERR_MALFORMED, "order %ju is none of its own",
	    (uintmax_t)order);
}

static int
read_way(struct zygote *z, struct map *m)
{
	struct bytes b;

	if (map_str(m, "way", MAP_REQUIRED, 16, &b) == -1)
		return -1;
	for (int w = ZYGOTE_PROMOTED; w <= ZYGOTE_ADOPTS_NOT; w++)
		if (bytes_eq(b, zygote_way_name(w))) {
			z->way = w;
			return 0;
		}
	return err_set(m->e, ERR_MALFORMED, "a \"way\" that is not known");
}

/* 1 with a copy of the array in TO, 0, or -1. */
static int
keep_array(struct map *m, const char *key, msgpack_sbuffer *to)
{
	const msgpack_object_array *a;
	msgpack_packer pk;
	int r = map_array(m, key, MAP_OPTIONAL, 65536, &a);

	if (r != 1)
		return r;
	pack_init(&pk, to);
	msgpack_pack_object(&pk,
	    (msgpack_object){ .type = MSGPACK_OBJECT_ARRAY, .via.array = *a });
	return 1;
}

static int
take_warnings(struct zygote *z, struct map *m)
{
	const msgpack_object_array *a;
	struct bytes b;

	if (keep_array(m, "warnings", &z->warnings) != 1)
		return 0;
	if (map_array(m, "warnings", MAP_REQUIRED, 256, &a) == -1)
		return -1;
	for (uint32_t i = 0; i < a->size; i++) {
		if (map_text_at(m, "warnings", a, i, 4096, &b) == -1)
			return -1;
		log_warn("template=%s kind=%s pid=%d op=audit: %.*s",
		    template_name(z->lane->t), lane_name(z->lane), (int)z->pid,
		    (int)b.n, b.p);
	}
	return 0;
}

/* The answer to configure, when it is a result. */
static int
take_ready(struct zygote *z, const msgpack_object *result, struct err *e)
{
	struct bytes b;
	struct map m;
	int r;

	if (map_init(&m, result, "configure", e) == -1 || read_way(z, &m) == -1)
		return -1;
	r = map_str(&m, "python", MAP_OPTIONAL, 256, &b);
	if (r == 1)
		z->python = bytes_dup(b);
	if (r != -1)
		r = map_text(&m, "reason", MAP_OPTIONAL, 4096, &b);
	if (r == 1)
		z->reason = bytes_dup(b);
	if (r == -1 || keep_array(&m, "preload", &z->preload) == -1 ||
	    take_warnings(z, &m) == -1)
		return -1;
	ev_timer_stop(z->srv->loop, &z->timer);
	z->state = ZYGOTE_READY;
	pulse_start(z);
	z->was_ready = true;
	z->ready_ns = clock_ns();
	lane_ready(z->lane, z);
	return 0;
}

static int
take_response(struct zygote *z, const struct msg *m, struct err *e)
{
	if (z->state == ZYGOTE_ENDING)
		return 0; /* too late to matter */
	if (m->id == ZYGOTE_PING_ID && z->asked) {
		z->asked = false;
		return 0;
	}
	if (m->id != ZYGOTE_CONFIGURE_ID || z->state != ZYGOTE_STARTING)
		return err_set(e, ERR_MALFORMED, "a response to nothing");
	if (m->error.type == MSGPACK_OBJECT_NIL)
		return take_ready(z, &m->result, e);
	z->fail = calloc(1, sizeof(*z->fail));
	if (z->fail != NULL)
		failure_read(z->fail, &m->error);
	/* It is of no use any more; its end tells the lane. */
	zygote_retire(z);
	z->retired = false;
	return 0;
}

static int
take_loading(struct zygote *z, const struct msg *msg, struct err *e)
{
	struct map m;
	struct bytes b;

	if (map_init(&m, &msg->params, "loading", e) == -1 ||
	    map_str(&m, "module", MAP_REQUIRED, 4096, &b) == -1)
		return -1;
	if (b.n >= sizeof(z->loading))
		b.n = sizeof(z->loading) - 1;
	memcpy(z->loading, b.p, b.n);
	z->loading[b.n] = '\0';
	return 0;
}

static bool
is_forked(const struct ordered *o)
{
	return (o->c != NULL ? o->c->pid : o->sb->pid) != 0;
}

/* An order is done: there is room for another. */
static void
one_less(struct zygote *z)
{
	z->forking--;
	if (z == z->lane->z)
		gather_lane(z->lane);
}

static int
take_forked(struct zygote *z, const struct msg *msg, struct err *e)
{
	struct map m;
	struct ordered o;
	uint64_t pid, at;
	int fd;

	if (stream_take_fds(&z->st, 1, &fd, e) == -1)
		return -1;
	if (map_init(&m, &msg->params, "forked", e) == -1 ||
	    read_order(z, &m, &o, e) == -1 ||
	    map_uint(&m, "pid", MAP_REQUIRED, INT_MAX, &pid) == -1 ||
	    map_uint(&m, "time_ns", MAP_REQUIRED, UINT64_MAX, &at) == -1) {
		close(fd);
		return -1;
	}
	if (is_forked(&o) || pid < 2) {
		close(fd);
		return err_set(e, ERR_MALFORMED, "it was forked already");
	}
	if (o.sb != NULL) {
		standby_forked(o.sb, pid, fd);
		return 0;
	}
	child_forked(o.c, pid, fd, at);
	one_less(z);
	return 0;
}

static int
take_fork_failed(struct zygote *z, const struct msg *msg, struct err *e)
{
	struct map m;
	struct ordered o;
	struct bytes b;
	int64_t sys = 0;
	struct err why;

	if (map_init(&m, &msg->params, "fork_failed", e) == -1 ||
	    read_order(z, &m, &o, e) == -1 ||
	    map_int(&m, "errno", MAP_OPTIONAL, 0, 4095, &sys) == -1 ||
	    map_str(&m, "message", MAP_REQUIRED, 4096, &b) == -1)
		return -1;
	if (is_forked(&o))
		return err_set(e, ERR_MALFORMED, "it was forked");
	err_set(&why, ERR_SYSTEM, "%.*s", (int)b.n, b.p);
	why.sys = sys;
	if (o.sb != NULL) {
		standby_not_forked(o.sb, &why);
		return 0;
	}
	spawn_reply_err(o.c, &why);
	child_drop(o.c);
	one_less(z);
	return 0;
}

static int
take_reaped(struct zygote *z, const struct msg *msg, struct err *e)
{
	struct child_usage u = { 0 };
	struct map m;
	struct ordered o;
	uint64_t status;

	if (map_init(&m, &msg->params, "reaped", e) == -1 ||
	    read_order(z, &m, &o, e) == -1 ||
	    map_uint(&m, "status", MAP_REQUIRED, 0xffff, &status) == -1 ||
	    map_uint(&m, "utime_ns", MAP_REQUIRED, UINT64_MAX, &u.utime_ns) ==
		-1 ||
	    map_uint(&m, "stime_ns", MAP_REQUIRED, UINT64_MAX, &u.stime_ns) ==
		-1 ||
	    map_uint(&m, "maxrss_kb", MAP_REQUIRED, UINT64_MAX, &u.maxrss_kb) ==
		-1 ||
	    map_uint(&m, "minflt", MAP_REQUIRED, UINT64_MAX, &u.minflt) == -1 ||
	    map_uint(&m, "majflt", MAP_REQUIRED, UINT64_MAX, &u.majflt) == -1)
		return -1;
	if (!is_forked(&o))
		return err_set(e, ERR_MALFORMED, "it was not forked");
	if (o.sb != NULL)
		standby_reaped(o.sb, status);
	else
		child_reaped(o.c, status, &u);
	return 0;
}

/* Of no more weight than a guess: freshness.h. */
static int
take_stale(struct zygote *z, const struct msg *msg, struct err *e)
{
	struct map m;
	struct bytes b;

	if (map_init(&m, &msg->params, "stale", e) == -1 ||
	    map_text(&m, "path", MAP_REQUIRED, 4096, &b) == -1)
		return -1;
	freshness_stale(z, b);
	return 0;
}

static int
take_notify(struct zygote *z, const struct msg *m, struct err *e)
{
	static const struct {
		const char *name;
		int (*take)(struct zygote *, const struct msg *, struct err *);
	} words[] = {
		{ "forked", take_forked },
		{ "reaped", take_reaped },
		{ "fork_failed", take_fork_failed },
		{ "loading", take_loading },
		{ "stale", take_stale },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].name, m->method) == 0)
			return words[i].take(z, m, e);
	return 0;
}

int
zygote_says(struct zygote *z, struct err *e)
{
	struct msg m;
	int r;

	for (;;) {
		r = stream_next(&z->st, &m, e);
		if (r != 1)
			return r;
		switch (m.type) {
		case MSG_RESPONSE:
			r = take_response(z, &m, e);
			break;
		case MSG_NOTIFY:
			r = take_notify(z, &m, e);
			break;
		case MSG_REQUEST:
			r = err_set(e, ERR_MALFORMED, "a zygote may not ask");
			break;
		}
		msg_fini(&m);
		if (r == -1)
			return -1;
	}
}
