#include "daemon/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"

/* Some task waited for memory for 150 ms within 2 s.  Who is not root may only
 * ask for windows of whole 2 s (Documentation/accounting/psi.rst). */
#define FILE_OF_KERNEL "/proc/pressure/memory"
static const char trigger[] = "some 150000 2000000";
#define CALM_NS (10 * NS_PER_S)

static void
calm_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct pressure *p = w->data;

	(void)loop;
	(void)events;
	p->high = false;
	log_info("op=pressure: memory is there again");
	p->tell(p->arg, false);
}

static void
heard_cb(struct ev_loop *loop, ev_io *w, int events)
{
	struct pressure *p = w->data;
	struct epoll_event ev;

	(void)events;
	/* To look takes it away. */
	if (epoll_wait(w->fd, &ev, 1, 0) != 1)
		return;
	if ((ev.events & EPOLLERR) != 0 && (ev.events & EPOLLPRI) == 0) {
		log_warn("op=pressure: %s tells no more", FILE_OF_KERNEL);
		ev_io_stop(loop, w);
		return;
	}
	clock_arm(loop, &p->calm, p->calm_ns);
	if (p->high)
		return;
	p->high = true;
	log_warn("op=pressure: memory is scarce");
	p->tell(p->arg, true);
}

/* libev has no POLLPRI: it watches an epoll that does. */
int
pressure_watch(struct pressure *p, int fd, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLPRI };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1) {
		err_sys(e, errno, "watch the pressure of memory");
		if (ep != -1)
			close(ep);
		close(fd);
		return -1;
	}
	p->fd = fd;
	ev_io_init(&p->heard, heard_cb, ep, EV_READ);
	p->heard.data = p;
	ev_io_start(p->loop, &p->heard);
	return 0;
}

void
pressure_init(struct pressure *p, struct ev_loop *loop,
    void (*tell)(void *arg, bool high), void *arg)
{
	*p = (struct pressure){
		.loop = loop,
		.fd = -1,
		.calm_ns = CALM_NS,
		.tell = tell,
		.arg = arg,
	};
	ev_init(&p->calm, calm_cb);
	p->calm.data = p;
}

void
pressure_open(struct pressure *p)
{
	struct err e;
	int fd, why = 0;

	fd = open(FILE_OF_KERNEL, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	/* The kernel wants the NUL, too. */
	if (fd == -1 || write(fd, trigger, sizeof(trigger)) == -1)
		why = errno;
	if (why != 0 && fd != -1)
		close(fd);
	if (why != 0)
		log_debug("op=pressure: %s: %s", FILE_OF_KERNEL,
		    strerrordesc_np(why));
	else if (pressure_watch(p, fd, &e) == -1)
		log_warn("op=pressure: %s", e.msg);
}

void
pressure_fini(struct pressure *p)
{
	if (p->loop == NULL)
		return;
	ev_timer_stop(p->loop, &p->calm);
	if (p->fd != -1) {
		ev_io_stop(p->loop, &p->heard);
		close(p->heard.fd);
		close(p->fd);
	}
	p->loop = NULL;
}
