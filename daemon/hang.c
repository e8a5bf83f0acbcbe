#include "daemon/hang.h"

#include <string.h>

#include "daemon/child_ctl.h"
#include "daemon/children.h"
#include "daemon/clock.h"
#include "daemon/dump.h"
#include "daemon/log.h"
#include "daemon/process.h"
#include "daemon/server.h"
#include "proto/map.h"
#include "proto/pack.h"

#define LOG_LINES 200   /* of one dump */
#define LOG_COLUMNS 200 /* bytes of one line */

static void
arm(struct child *c)
{
	clock_arm(c->srv->loop, &c->hang.timer, c->hang.limit_ns);
}

static void
ping(struct child *c)
{
	c->hang.ping = ++c->asked;
	/* What the child has become does not know of us. */
	if (child_ctl_tell(c, CHILD_PING, c->hang.ping) == 0)
		arm(c);
}

static void
timer_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct child *c = w->data;

	(void)loop;
	(void)events;
	if (c->hang.ping == 0) {
		ping(c);
		return;
	}
	/* It may be the daemon that was late. */
	child_ctl_drain(c);
	if (c->hang.ping == 0 || c->killed || c->reaped)
		return;
	/* One that was stopped hangs as somebody wants it to. */
	if (process_stopped(c->pid)) {
		arm(c);
		return;
	}
	log_warn("child=%ju pid=%d op=hang: no answer for %g s",
	    (uintmax_t)c->id, (int)c->pid, (double)c->hang.limit_ns / NS_PER_S);
	c->hang.at_ns = clock_ns();
	dump_for_hang(c);
}

void
hang_init(struct child *c)
{
	ev_init(&c->hang.timer, timer_cb);
	c->hang.timer.data = c;
	msgpack_sbuffer_init(&c->hang.raw);
}

void
hang_fini(struct child *c)
{
	ev_timer_stop(c->srv->loop, &c->hang.timer);
}

void
hang_started(struct child *c)
{
	if (c->hang.limit_ns == 0 || c->reaped)
		return;
	if (c->promoted)
		ping(c);
	else
		log_warn("child=%ju pid=%d op=hang: it is not promoted and "
			 "cannot answer: it is not watched",
		    (uintmax_t)c->id, (int)c->pid);
}

void
hang_pong(struct child *c, uint64_t n)
{
	if (c->hang.ping == 0 || n < c->hang.ping || c->hang.at_ns != 0)
		return;
	c->hang.ping = 0;
	arm(c);
}

void
hang_pack_head(const struct child *c, msgpack_packer *pk, struct pack_map *m)
{
	pack_kv_uint(pk, m, "limit_ns", c->hang.limit_ns);
	pack_kv_uint(pk, m, "after_ns", c->hang.at_ns - c->at.forked);
}

/* A line of the log is ASCII: the lines of a tree are drawn with it. */
static void
log_line(const struct child *c, const char *p, size_t n)
{
	char line[LOG_COLUMNS + 1];
	size_t at = 0;

	for (size_t i = 0; i < n && at < LOG_COLUMNS; i++) {
		line[at++] = p[i];
		if (n - i < 3 || memcmp(p + i, "\xe2\x94", 2) != 0)
			continue;
		i += 2;
		line[at - 1] = p[i] == '\x80' ? '-' :
		    p[i] == '\x94'            ? '`' :
						'|';
	}
	line[at] = '\0';
	log_warn("child=%ju op=hang: %s", (uintmax_t)c->id, line);
}

/* Each line of S on one of the log's.  Returns how many are left. */
static int
log_lines(const struct child *c, struct bytes s, int left)
{
	while (s.n > 0 && left > 0) {
		const char *end = memchr(s.p, '\n', s.n);
		size_t n = end != NULL ? (size_t)(end - s.p) : s.n;

		log_line(c, s.p, n);
		if (--left == 0)
			log_line(c, "...", 3);
		n += end != NULL;
		s.p += n;
		s.n -= n;
	}
	return left;
}

static int
log_key(const struct child *c, struct map *m, const char *key, int left)
{
	struct bytes text;

	if (map_text(m, key, MAP_OPTIONAL, SIZE_MAX, &text) == 1)
		left = log_lines(c, text, left);
	return left;
}

static void
log_dump(const struct child *c)
{
	const msgpack_object_array *runs = NULL;
	int left = LOG_LINES;
	msgpack_unpacked u;
	struct map m, run;
	struct err e;

	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, c->hang.raw.data, c->hang.raw.size, NULL) ==
		MSGPACK_UNPACK_SUCCESS &&
	    map_init(&m, &u.data, "hang", &e) == 0) {
		if (map_array(&m, "trio", MAP_OPTIONAL, SIZE_MAX, &runs) == 1)
			for (uint32_t i = 0; i < runs->size; i++)
				if (map_init(&run, &runs->ptr[i], "trio", &e) ==
				    0)
					left = log_key(c, &run, "tree", left);
		left = log_key(c, &m, "trio_error", left);
		left = log_key(c, &m, "stacks", left);
		log_key(c, &m, "stacks_error", left);
	}
	msgpack_unpacked_destroy(&u);
}

void
hang_take(struct child *c, const msgpack_sbuffer *b)
{
	msgpack_sbuffer_clear(&c->hang.raw);
	msgpack_sbuffer_write(&c->hang.raw, b->data, b->size);
	log_dump(c);
}
