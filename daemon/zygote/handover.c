#include "daemon/zygote/handover.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

static void *
worker_main(void *arg)
{
	struct handover *h = arg;
	void (*fn)(void *);

	pthread_mutex_lock(&h->lock);
	for (;;) {
		while (h->fn == NULL)
			pthread_cond_wait(&h->cond, &h->lock);
		fn = h->fn;
		/* Unlocked while it runs: a child that is forked inside FN
		 * must not inherit a held lock. */
		pthread_mutex_unlock(&h->lock);
		fn(h->arg);
		pthread_mutex_lock(&h->lock);
		h->fn = NULL;
		h->busy = false;
		pthread_cond_broadcast(&h->cond);
		eventfd_write(h->done_fd, 1);
	}
	return NULL;
}

static size_t
stack_size(size_t min)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_STACK, &rl) == -1 ||
	    rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur < min)
		return min;
	return rl.rlim_cur;
}

int
handover_start(struct handover *h, size_t min, struct err *e)
{
	size_t stack = stack_size(min);
	pthread_attr_t attr;
	int r;

	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->cond, NULL);
	h->fn = NULL;
	h->busy = false;
	h->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->done_fd == -1)
		return err_sys(e, errno, "eventfd");
	pthread_attr_init(&attr);
	r = pthread_attr_setstacksize(&attr, stack);
	if (r == 0)
		r = pthread_create(&h->worker, &attr, worker_main, h);
	pthread_attr_destroy(&attr);
	if (r != 0)
		return err_sys(e, r,
		    "start the worker thread with a stack of "
		    "%zu bytes",
		    stack);
	return 0;
}

static void
hand(struct handover *h, void (*fn)(void *), void *arg)
{
	while (h->busy)
		pthread_cond_wait(&h->cond, &h->lock);
	h->busy = true;
	h->fn = fn;
	h->arg = arg;
	pthread_cond_broadcast(&h->cond);
}

void
handover_post(struct handover *h, void (*fn)(void *), void *arg)
{
	pthread_mutex_lock(&h->lock);
	hand(h, fn, arg);
	pthread_mutex_unlock(&h->lock);
}

void
handover_call(struct handover *h, void (*fn)(void *), void *arg)
{
	eventfd_t v;

	pthread_mutex_lock(&h->lock);
	hand(h, fn, arg);
	while (h->busy)
		pthread_cond_wait(&h->cond, &h->lock);
	pthread_mutex_unlock(&h->lock);
	eventfd_read(h->done_fd, &v);
}
