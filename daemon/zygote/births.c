#include "daemon/zygote/births.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/zygote/guard.h"
#include "daemon/zygote/tell.h"

struct kid *
births_fork(struct births *b, struct order *o, enum child_kind kind,
    int control, int procs, struct err *e)
{
	struct work *w = b->work;

	w->kind = kind;
	w->control = control;
	w->cgroup = o->cgroup;
	w->procs = procs;
	handover_call(b->handover, work_fork, w);
	if (w->pid != -1)
		return kid_new(kind == CHILD_STANDBY ? &b->standbys : &b->kids,
		    b->epfd, o, w->pid, e);
	*e = w->err;
	return NULL;
}

static void
say_fork_failed(struct births *b, uint64_t order, const struct err *e)
{
	struct msg_out o;

	tell_fork_failed(&o, order, e);
	line_say(b->line, &o);
}

static void
say_forked(struct births *b, struct kid *k)
{
	struct msg_out o;
	struct err e;

	if (tell_forked(&o, k->order.number, k->pid, b->work->forked_ns,
		k->pidfd) == 0) {
		line_say(b->line, &o);
		return;
	}
	err_sys(&e, errno, "duplicate the pidfd of child %d", (int)k->pid);
	kill(k->pid, SIGKILL);
	say_fork_failed(b, k->order.number, &e);
	k->order.number = 0; /* its end is nobody's news */
}

static void
obey(struct births *b, const msgpack_object *order, bool ready)
{
	struct order o;
	struct err e;
	struct kid *k = NULL;
	int fds[2] = { -1, -1 };
	bool good = order_read(&o, order, &e) == 0;
	struct err no_fds;

	if (stream_take_fds(&b->line->stream, o.procs ? 2 : 1, fds, &no_fds) ==
	    -1) {
		order_fini(&o);
		b->line->over = true;
		return;
	}
	if (good && !b->line->unheard) {
		if (ready)
			k = births_fork(b, &o,
			    o.standby ? CHILD_STANDBY : CHILD_JOB, fds[0],
			    fds[1], &e);
		else
			err_set(&e, ERR_BUSY, "the zygote is not ready");
	}
	close(fds[0]);
	if (fds[1] != -1)
		close(fds[1]);
	if (k != NULL)
		say_forked(b, k);
	else if (!b->line->unheard)
		say_fork_failed(b, o.number, &e);
	order_fini(&o);
}

/* One is told of before the next is forked, though that could be at once: the
 * worker's fork would copy what this thread is in the middle of (handover.h). */
void
births_order(struct births *b, const msgpack_object *params, bool ready)
{
	const msgpack_object_array *a;
	struct err e;

	if (order_list(params, &a, &e) == -1) {
		/* How many descriptors are its is not known either. */
		fprintf(stderr, "forkserver-zygote: the daemon: %s\n", e.msg);
		b->line->over = true;
		return;
	}
	for (uint32_t i = 0; i < a->size && !b->line->over; i++) {
		if (i > 0)
			b->between();
		obey(b, &a->ptr[i], ready);
	}
}

void
births_reap(struct births *b, struct kid *k)
{
	struct msg_out o;
	struct rusage ru;
	int status;

	/* What a leased one leaves behind is the daemon's to end, or where that
	 * is dead and not heard of yet, the guard's. */
	if (k->order.leased && guard_needed(b->line->stream.fd))
		kid_kill(k);
	if (kid_reap(b->epfd, k, &status, &ru) == 0)
		return;
	if (k->order.number != 0) {
		tell_reaped(&o, k->order.number, k->pid, status, &ru);
		line_say(b->line, &o);
	}
	kid_free(k);
}
