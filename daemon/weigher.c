#include "daemon/weigher.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Both ways; below PIPE_BUF, so that it goes whole. */
struct note {
	uint64_t key;
	uint64_t kb;
	pid_t pid;
};

struct ends {
	int in, out;
};

/* What is in the file at PATH, as text; cut where TEXT is too small. */
static bool
read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r = 0;

	if (fd == -1)
		return false;
	while (n < size - 1 && (r = read(fd, text + n, size - 1 - n)) > 0)
		n += r;
	close(fd);
	text[n] = '\0';
	return r != -1;
}

static bool
private_kb(pid_t pid, uint64_t *sum)
{
	char path[64], text[4096];
	uint64_t kb;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	*sum = 0;
	for (char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "Private_Clean: %" SCNu64, &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %" SCNu64, &kb) == 1)
			*sum += kb;
	}
	return *sum > 0;
}

static void *
weigher_main(void *arg)
{
	struct ends ends = *(struct ends *)arg;
	struct note n;

	free(arg);
	while (read(ends.in, &n, sizeof(n)) == sizeof(n))
		if (private_kb(n.pid, &n.kb) &&
		    write(ends.out, &n, sizeof(n)) != sizeof(n))
			break;
	close(ends.in);
	close(ends.out);
	return NULL;
}

static void
told_cb(struct ev_loop *loop, ev_io *w, int events)
{
	struct weigher *g = w->data;
	struct note n;

	(void)loop;
	(void)events;
	if (read(w->fd, &n, sizeof(n)) == sizeof(n))
		g->tell(g->arg, n.key, n.pid, n.kb);
}

static int
start_thread(struct ends ends, struct err *e)
{
	struct ends *its = malloc(sizeof(*its));
	sigset_t all, old;
	pthread_t tid;
	int r;

	if (its == NULL)
		return err_memory(e, "the weigher");
	*its = ends;
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&tid, NULL, weigher_main, its);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0) {
		free(its);
		return err_sys(e, r, "start the weigher");
	}
	pthread_detach(tid);
	return 0;
}

int
weigher_init(struct weigher *g, struct ev_loop *loop,
    void (*tell)(void *arg, uint64_t key, pid_t, uint64_t kb), void *arg,
    struct err *e)
{
	int asks[2], told[2];

	*g = (struct weigher){ .asks = -1, .tell = tell, .arg = arg };
	if (pipe2(asks, O_CLOEXEC) == -1)
		return err_sys(e, errno, "make the weigher's pipe");
	if (pipe2(told, O_CLOEXEC) == -1) {
		err_sys(e, errno, "make the weigher's pipe");
		close(asks[0]);
		close(asks[1]);
		return -1;
	}
	fcntl(asks[1], F_SETFL, O_NONBLOCK);
	fcntl(told[0], F_SETFL, O_NONBLOCK);
	if (start_thread((struct ends){ asks[0], told[1] }, e) == -1) {
		for (int i = 0; i < 2; i++) {
			close(asks[i]);
			close(told[i]);
		}
		return -1;
	}
	g->loop = loop;
	g->asks = asks[1];
	ev_io_init(&g->told, told_cb, told[0], EV_READ);
	g->told.data = g;
	ev_io_start(loop, &g->told);
	return 0;
}

void
weigher_fini(struct weigher *g)
{
	if (g->loop == NULL)
		return;
	ev_io_stop(g->loop, &g->told);
	close(g->told.fd);
	close(g->asks);
	g->loop = NULL;
}

void
weigher_ask(struct weigher *g, uint64_t key, pid_t pid)
{
	struct note n = { .key = key, .pid = pid };
	ssize_t r;

	if (g->loop == NULL)
		return;
	r = write(g->asks, &n, sizeof(n));
	(void)r;
}
