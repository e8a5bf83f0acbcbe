#include "daemon/zygote/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/zygote/births.h"
#include "daemon/zygote/guard.h"
#include "daemon/zygote/handover.h"
#include "daemon/zygote/kid.h"
#include "daemon/zygote/line.h"
#include "daemon/zygote/proof.h"
#include "daemon/zygote/tell.h"
#include "daemon/zygote/title.h"
#include "daemon/zygote/watch.h"
#include "daemon/zygote/work.h"

#define STACK_MIN (8u << 20) /* rule 1 of CPYTHON.md */
#define MAX_OUT (16 << 20)
#define EVENTS 64

enum state {
	FRESH,   /* waits for `configure` */
	MAKING,  /* the worker makes the template */
	PROVING, /* a kid of the proof runs */
	READY,
	FAILED, /* the daemon ends us */
};

static struct {
	struct line line;
	struct handover handover;
	struct work work;
	enum state state;
	uint32_t configure_msgid;
	struct births births;
	struct proof proof;
	struct watch watch;
	int epfd;
} z;

static int
watch(int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(z.epfd, EPOLL_CTL_ADD, fd, &ev);
}

static void
refuse(uint32_t id, const struct err *e)
{
	struct msg_out o;

	tell_refused(&o, id, e);
	line_say(&z.line, &o);
}

static void
fail(void)
{
	struct msg_out o;

	tell_failed(&o, z.configure_msgid, &z.work.template, &z.work.err);
	line_say(&z.line, &o);
	z.state = FAILED;
}

/* A template whose files cannot be watched serves all the same, as far as it was
 * told. */
static void
watch_sources(struct template *t)
{
	struct err e = { 0 };

	if (watch_begin(&z.watch, t->sources, t->since, &e) == -1)
		audit_warn(&t->preload.audit, "watch: %s", e.msg);
	if (z.watch.fd != -1 && watch(z.watch.fd, &z.watch) == -1)
		audit_warn(&t->preload.audit, "watch: no file is watched: %s",
		    strerror(errno));
}

static void
serve(const char *way)
{
	struct template *t = &z.work.template;
	struct msg_out o;

	if (t->sources != NULL)
		watch_sources(t);
	tell_ready(&o, z.configure_msgid, t, z.work.python, way);
	line_say(&z.line, &o);
	z.state = READY;
}

/* For the proof: a child that nobody has ordered. */
static struct kid *
bear_own(enum child_kind kind, int control, struct err *e)
{
	struct order nobodys = { 0 };

	return births_fork(&z.births, &nobodys, kind, control, -1, e);
}

static void
proceed(enum proof_step step)
{
	switch (step) {
	case PROOF_GOES_ON:
		z.state = PROVING;
		break;
	case PROOF_SERVES:
		serve(z.work.template.promote ? "promoted" : "unpromoted");
		break;
	case PROOF_COLD:
		serve("cold");
		break;
	case PROOF_FAILED:
		fail();
		break;
	}
}

static void
reap(struct kid *k)
{
	struct rusage ru;
	int status;

	if (k != z.proof.kid) {
		births_reap(&z.births, k);
	} else if (kid_reap(z.epfd, k, &status, &ru) == 1) {
		proceed(proof_kid_ended(&z.proof, status));
		kid_free(k);
	}
}

/* Who has ended is not kept waiting by all that are to be forked. */
static void
reap_between(void)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(z.epfd, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		void *p = ev[i].data.ptr;

		if (p != &z.line && p != &z.handover && p != &z.watch)
			reap(p);
	}
}

static void
on_configure(const struct msg *m)
{
	struct err e;

	if (z.state != FRESH) {
		err_set(&e, ERR_INVALID_REQUEST, "configured already");
		refuse(m->id, &e);
		return;
	}
	conf_fini(&z.work.conf);
	if (conf_read(&z.work.conf, &m->params, &e) == -1) {
		refuse(m->id, &e);
		return;
	}
	title_kind("zygote", z.work.conf.template, z.work.conf.cold);
	z.configure_msgid = m->id;
	z.state = MAKING;
	handover_post(&z.handover, work_make, &z.work);
}

static void
made(void)
{
	eventfd_t v;

	eventfd_read(z.handover.done_fd, &v);
	if (z.state != MAKING)
		return;
	if (z.work.failed)
		fail();
	else if (z.work.conf.cold || !z.work.template.adoptable)
		serve("cold");
	else
		proceed(proof_begin(&z.proof));
}

static void
obey(const struct msg *m)
{
	struct msg_out o;
	struct err e;

	if (m->type == MSG_REQUEST && strcmp(m->method, "configure") == 0) {
		on_configure(m);
	} else if (m->type == MSG_REQUEST && strcmp(m->method, "ping") == 0) {
		tell_here(&o, m->id);
		line_say(&z.line, &o);
	} else if (m->type == MSG_NOTIFY && strcmp(m->method, "fork") == 0) {
		births_order(&z.births, &m->params, z.state == READY);
	} else if (m->type == MSG_NOTIFY && strcmp(m->method, "lease") == 0) {
		kid_lease(&z.births.standbys, &z.births.kids, &m->params);
	} else if (m->type == MSG_REQUEST) {
		err_set(&e, ERR_UNKNOWN_METHOD, "no method \"%s\"", m->method);
		refuse(m->id, &e);
	}
}

/* At what the template was made from. */
static void
look(void)
{
	struct msg_out o;

	if (!watch_hear(&z.watch))
		return;
	tell_stale(&o, z.watch.changed);
	line_say(&z.line, &o);
}

static void
hear(void)
{
	struct err e;
	struct msg m;
	int r;

	if (stream_fill(&z.line.stream, &e) != STREAM_GOT) {
		z.line.over = true;
		return;
	}
	while (!z.line.over && (r = stream_next(&z.line.stream, &m, &e)) == 1) {
		obey(&m);
		msg_fini(&m);
	}
	if (!z.line.over && r == -1) {
		fprintf(stderr, "forkserver-zygote: the daemon: %s\n", e.msg);
		z.line.over = true;
	}
}

static void
loop(void)
{
	struct epoll_event ev[EVENTS];

	while (!z.line.over) {
		bool said = false;
		int n = epoll_wait(z.epfd, ev, EVENTS,
		    z.state == PROVING ? proof_left_ms(&z.proof) : -1);

		if (n == 0 && z.state == PROVING)
			kill(z.proof.kid->pid, SIGKILL);
		for (int i = 0; i < n && !z.line.over; i++) {
			if (ev[i].data.ptr == &z.line)
				said = true;
			else if (ev[i].data.ptr == &z.handover)
				made();
			else if (ev[i].data.ptr == &z.watch)
				look();
			else
				reap(ev[i].data.ptr);
		}
		/* The last: others are reaped meanwhile, who may be in EV. */
		if (said && !z.line.over)
			hear();
	}
}

static int
start(struct err *e)
{
	z.epfd = epoll_create1(EPOLL_CLOEXEC);
	z.work.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (z.epfd == -1 || z.work.null_fd == -1)
		return err_sys(e, errno, "open the zygote's descriptors");
	if (fcntl(ZYGOTE_FD, F_SETFD, FD_CLOEXEC) == -1)
		return err_sys(e, errno, "descriptor %d, the daemon's socket",
		    ZYGOTE_FD);
	stream_init(&z.line.stream, ZYGOTE_FD, &frame_limits_default, MAX_OUT);
	z.work.daemon_fd = ZYGOTE_FD;
	z.proof.work = &z.work;
	z.proof.bear = bear_own;
	z.births = (struct births){ .line = &z.line,
		.handover = &z.handover,
		.work = &z.work,
		.epfd = z.epfd,
		.between = reap_between };
	if (handover_start(&z.handover, STACK_MIN, e) == -1)
		return -1;
	if (watch(ZYGOTE_FD, &z.line) == -1 ||
	    watch(z.handover.done_fd, &z.handover) == -1)
		return err_sys(e, errno, "watch the daemon's socket");
	return 0;
}

int
zygote_run(void)
{
	struct err e;

	/* As `python` has them; children inherit it. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (start(&e) == -1) {
		fprintf(stderr, "forkserver-zygote: %s\n", e.msg);
		return 1;
	}
	loop();
	if (guard_needed(ZYGOTE_FD)) {
		epoll_ctl(z.epfd, EPOLL_CTL_DEL, ZYGOTE_FD, NULL);
		epoll_ctl(z.epfd, EPOLL_CTL_DEL, z.handover.done_fd, NULL);
		epoll_ctl(z.epfd, EPOLL_CTL_DEL, z.watch.fd, NULL);
		guard_run(&z.births.kids, z.epfd);
	}
	/* At once: no Python finalisation, and the worker may be busy. */
	_exit(0);
}
