#include "daemon/dump.h"

#include <ev.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "daemon/admission.h"
#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/dump_found.h"
#include "daemon/hang.h"
#include "daemon/process.h"
#include "daemon/server.h"
#include "proto/frame.h"
#include "proto/map.h"
#include "proto/pack.h"

#define LOOK_MAX (2u << 20)      /* bytes of what a child's Python tells */
#define LOOK_VALUES (128u << 10) /* beside those of a result */
#define STACKS_MAX (128u << 10)  /* ... its signal handler */

enum dump_stage {
	DUMP_PYTHON, /* the handler in Python shall answer */
	DUMP_SIGNAL, /* it has not: the one in C shall */
};

struct dump {
	TAILQ_ENTRY(dump) link;
	struct child *child;
	uint64_t conn; /* 0: for the child's record */
	uint32_t request;
	uint64_t timeout_ns;
	ev_timer timer;
	enum dump_stage stage;
	uint64_t number; /* as asked of Python, then of the handler in C */
	struct dump_found found;
};

static void
dump_free(struct dump *d)
{
	ev_timer_stop(d->child->srv->loop, &d->timer);
	TAILQ_REMOVE(&d->child->srv->children.dumps, d, link);
	dump_found_fini(&d->found);
	free(d);
}

/* Of C, the first of them or behind D. */
static struct dump *
next_of(const struct child *c, struct dump *d)
{
	d = d == NULL ? TAILQ_FIRST(&c->srv->children.dumps) :
			TAILQ_NEXT(d, link);
	while (d != NULL && d->child != c)
		d = TAILQ_NEXT(d, link);
	return d;
}

/* For each D of C, which may be freed meanwhile. */
#define EACH_DUMP(d, next, c) \
	for ((d) = next_of((c), NULL); \
	    (d) != NULL && ((next) = next_of((c), (d)), true); (d) = (next))

/* --- the result ----------------------------------------------------------- */

/* WHY: what is not there is not. */
static void
finish(struct dump *d, const char *why)
{
	struct child *c = d->child;
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	if (d->conn != 0)
		msg_begin_result(&o, d->request);
	pack_map_begin(&o.pk, &m);
	if (d->conn == 0) {
		hang_pack_head(c, &o.pk, &m);
	} else {
		pack_kv_uint(&o.pk, &m, "id", c->id);
		pack_kv_uint(&o.pk, &m, "pid", c->pid);
		pack_kv_str(&o.pk, &m, "state", child_state_name(c->state));
	}
	dump_found_pack(&d->found, c, why, &o.pk, &m);
	pack_map_end(&m);
	if (d->conn != 0) {
		client_put_id(c->srv, d->conn, &o);
	} else {
		hang_take(c, &o.buf);
		msg_out_fini(&o);
	}
	dump_free(d);
}

/* --- asking --------------------------------------------------------------- */

static const char gone[] = "the child has closed its control socket: it is "
			   "another program now, or ends";

static void
ask_signal(struct dump *d)
{
	d->stage = DUMP_SIGNAL;
	d->number = ++d->child->asked;
	if (child_ctl_tell(d->child, CHILD_STACKS, d->number) == -1) {
		finish(d, gone);
		return;
	}
	clock_arm(d->child->srv->loop, &d->timer, d->timeout_ns / 2);
}

static bool
is_there(const struct child *c, const struct dump *d)
{
	struct dump *i, *next;

	EACH_DUMP(i, next, c)
	if (i == d)
		return true;
	return false;
}

static void
timeout_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct dump *d = w->data;
	struct child *c = d->child;

	(void)loop;
	(void)events;
	/* It may be the daemon that was late. */
	child_ctl_drain(c);
	if (!is_there(c, d))
		return;
	if (d->stage == DUMP_PYTHON && !d->found.looked)
		ask_signal(d);
	else
		finish(d, process_why_deaf(c->pid));
}

static struct dump *
dump_new(struct child *c, uint64_t conn, uint64_t timeout_ns)
{
	struct dump *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->child = c;
	d->conn = conn;
	d->timeout_ns = timeout_ns;
	dump_found_init(&d->found);
	ev_init(&d->timer, timeout_cb);
	d->timer.data = d;
	TAILQ_INSERT_TAIL(&c->srv->children.dumps, d, link);
	return d;
}

static void
ask(struct dump *d)
{
	struct child *c = d->child;

	if (c->succeeded && !c->promoted) {
		ask_signal(d);
		return;
	}
	d->number = ++c->asked;
	if (child_ctl_tell(c, CHILD_DUMP, d->number) == -1 ||
	    child_ctl_tell(c, CHILD_PING, d->number) == -1) {
		finish(d, gone);
		return;
	}
	clock_arm(c->srv->loop, &d->timer, d->timeout_ns / 2);
}

int
dump_begin(struct child *c, const struct request *rq, uint64_t timeout_ns,
    struct err *e)
{
	struct dump *d, *next;
	unsigned n = 0;

	EACH_DUMP(d, next, c)
	n++;
	if (n >= DUMP_MAX) {
		err_set(e, ERR_BUSY, "%d dumps of child %ju are under way",
		    DUMP_MAX, (uintmax_t)c->id);
		return admission_busy(e, "dumps");
	}
	d = dump_new(c, rq->client->id, timeout_ns);
	if (d == NULL)
		return err_memory(e, "a dump");
	d->request = rq->id;
	ask(d);
	return 0;
}

void
dump_for_hang(struct child *c)
{
	struct dump *d = dump_new(c, 0, DUMP_DEFAULT_NS);

	if (d != NULL)
		ask(d);
}

/* --- what the child says -------------------------------------------------- */

static int
read_number(struct map *m, const msgpack_object *params, uint64_t *n,
    struct err *e)
{
	if (map_init(m, params, "", e) == -1)
		return -1;
	return map_uint(m, "n", MAP_REQUIRED, UINT64_MAX, n) == -1 ? -1 : 0;
}

static bool
look_fits(const msgpack_sbuffer *b)
{
	const struct frame_limits most = {
		.max_bytes = LOOK_MAX,
		.max_depth = frame_limits_child.max_depth,
		.max_items = LOOK_VALUES,
	};
	struct frame_scan scan = { 0 };
	struct err e;
	size_t n;

	return frame_scan(&scan, (const uint8_t *)b->data, b->size, &most, &n,
		   &e) == 1;
}

static void
keep_look(struct dump *d, const msgpack_object *look)
{
	msgpack_packer pk;

	d->found.looked = true;
	pack_init(&pk, &d->found.look);
	msgpack_pack_object(&pk, *look);
	if (look_fits(&d->found.look))
		return;
	msgpack_sbuffer_clear(&d->found.look);
	msgpack_pack_map(&pk, 0);
}

int
dump_looked(struct child *c, const msgpack_object *params, struct err *e)
{
	static const msgpack_object nothing = { .type = MSGPACK_OBJECT_MAP };
	const msgpack_object *look = &nothing;
	struct dump *d, *next;
	struct map m;
	uint64_t n;

	if (read_number(&m, params, &n, e) == -1 ||
	    map_obj(&m, "look", MAP_OPTIONAL, &look) == -1)
		return -1;
	EACH_DUMP(d, next, c)
	{
		if (d->found.looked || d->number > n)
			continue;
		keep_look(d, look);
		if (d->found.turned || d->stage == DUMP_SIGNAL)
			finish(d, "");
	}
	return 0;
}

int
dump_pong(struct child *c, const msgpack_object *params, struct err *e)
{
	struct dump *d, *next;
	struct map m;
	uint64_t n;

	if (read_number(&m, params, &n, e) == -1)
		return -1;
	EACH_DUMP(d, next, c)
	{
		if (d->number > n)
			continue;
		d->found.turned = true;
		if (d->found.looked)
			finish(d, "");
	}
	hang_pong(c, n);
	return 0;
}

int
dump_stacks(struct child *c, const msgpack_object *params, struct err *e)
{
	struct dump *d, *next;
	struct bytes text;
	struct map m;
	uint64_t n;
	bool last;

	if (read_number(&m, params, &n, e) == -1 ||
	    map_text(&m, "text", MAP_REQUIRED, STACKS_MAX, &text) == -1 ||
	    map_bool(&m, "last", MAP_REQUIRED, &last) == -1)
		return -1;
	EACH_DUMP(d, next, c)
	{
		if (d->stage != DUMP_SIGNAL || d->number != n || d->found.whole)
			continue;
		if (d->found.stacks.size + text.n > STACKS_MAX)
			return err_set(e, ERR_LIMIT,
			    "`stacks` of more than %u bytes", STACKS_MAX);
		msgpack_sbuffer_write(&d->found.stacks, text.p, text.n);
		d->found.whole = last && d->found.stacks.size > 0;
		if (last)
			finish(d, "the child cannot read its own memory");
	}
	return 0;
}

/* --- the end -------------------------------------------------------------- */

void
dump_end_all(struct child *c)
{
	struct dump *d, *next;
	struct client *cl;
	struct err e;

	err_set(&e, ERR_NOT_RUNNING, "child %ju has ended meanwhile",
	    (uintmax_t)c->id);
	EACH_DUMP(d, next, c)
	{
		if (d->conn == 0) {
			finish(d, e.msg);
			continue;
		}
		cl = client_find(c->srv, d->conn);
		if (cl != NULL)
			dispatch_error(cl, d->request, &e);
		dump_free(d);
	}
}

void
dump_client_gone(struct server *srv, uint64_t conn)
{
	struct dump *d, *next;

	for (d = TAILQ_FIRST(&srv->children.dumps); d != NULL; d = next) {
		next = TAILQ_NEXT(d, link);
		if (d->conn == conn)
			dump_free(d);
	}
}

void
dump_forget(struct child *c)
{
	struct dump *d, *next;

	EACH_DUMP(d, next, c)
	dump_free(d);
}
