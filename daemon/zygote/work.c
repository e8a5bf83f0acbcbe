#include "daemon/zygote/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/zygote/home.h"
#include "daemon/zygote/life.h"
#include "proto/clock.h"
#include "proto/msg.h"
#include "proto/pack.h"

static int loading_fd;

/*
 * Straight to the socket, from the worker: a module that crashes the process
 * must have been named before.  The main thread writes nothing meanwhile.
 */
static void
say_loading(const char *module)
{
	struct msg_out o;
	struct pack_map m;
	size_t at = 0;
	ssize_t n;

	msg_out_init(&o);
	msg_begin_notify(&o, "loading");
	pack_map_begin(&o.pk, &m);
	pack_kv_text(&o.pk, &m, "module", module);
	pack_map_end(&m);
	while (at < o.buf.size) {
		n = send(loading_fd, o.buf.data + at, o.buf.size - at,
		    MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += n;
	}
	/* It lies among the template's memory, and is not to be kept for the
	 * main thread, which would write there at each fork. */
	free(msgpack_sbuffer_release(&o.buf));
	msg_out_fini(&o);
}

void
work_make(void *arg)
{
	struct work *w = arg;
	const char *space;

	loading_fd = w->daemon_fd;
	w->failed = (w->conf.account && home_set(&w->conf, &w->err) == -1) ||
	    template_start(&w->template, &w->conf, &w->err) == -1;
	if (w->failed)
		return;
	space = strchr(Py_GetVersion(), ' ');
	snprintf(w->python, sizeof(w->python), "%.*s",
	    space != NULL ? (int)(space - Py_GetVersion()) : 31,
	    Py_GetVersion());
	if (w->conf.cold || !w->template.adoptable)
		return;
	w->template.preload.tell = say_loading;
	life_share();
	w->failed = template_make(&w->template, false, &w->err) == -1;
}

void
work_fork(void *arg)
{
	struct work *w = arg;

	w->pid = child_fork(&w->template, w->kind, w->control, w->null_fd,
	    w->cgroup, w->procs, &w->err);
	w->forked_ns = clock_ns();
}
