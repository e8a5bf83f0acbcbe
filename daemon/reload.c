#include "daemon/reload.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/clients.h"
#include "daemon/clock.h"
#include "daemon/dispatch.h"
#include "daemon/log.h"
#include "daemon/reload_apply.h"
#include "daemon/reload_tell.h"
#include "daemon/server.h"

#define READ_NS (20 * NS_PER_S) /* for the reader */

static const struct err draining = {
	.code = ERR_DRAINING,
	.msg = "the daemon is shutting down",
};

static void begin(struct server *);

/* Those who ask are heard again, and systemd too. */
static void
check_over(struct server *srv)
{
	struct reloads *rs = &srv->reloads;

	if (!rs->told || !TAILQ_EMPTY(&rs->next) ||
	    !TAILQ_EMPTY(&rs->reading) || !TAILQ_EMPTY(&rs->making))
		return;
	rs->told = false;
	if (!srv->drain.active)
		notify_ready(srv);
}

/* Takes all of FROM's. */
static void
fail_all(struct server *srv, struct reload_list *from, const struct err *e)
{
	struct reload *r;

	while ((r = TAILQ_FIRST(from)) != NULL) {
		TAILQ_REMOVE(from, r, link);
		reload_refuse(srv, r, e);
	}
}

static void
refuse_file(struct server *srv, const struct err *e)
{
	srv->reloads.wrong = *e;
	fail_all(srv, &srv->reloads.reading, e);
}

static void
finish_made(struct server *srv)
{
	struct reload *r, *next;

	for (r = TAILQ_FIRST(&srv->reloads.making); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->pending > 0)
			continue;
		TAILQ_REMOVE(&srv->reloads.making, r, link);
		reload_answer(srv, r);
	}
	check_over(srv);
}

static void
apply(struct server *srv, struct config *cfg)
{
	struct reloads *rs = &srv->reloads;
	struct reload *r, *next;
	struct err e;

	for (r = TAILQ_FIRST(&rs->reading); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (reload_check(srv, cfg, r, &e) == 0)
			continue;
		TAILQ_REMOVE(&rs->reading, r, link);
		reload_refuse(srv, r, &e);
	}
	rs->wrong.code = ERR_NONE;
	reload_apply(srv, cfg, &rs->reading);
	TAILQ_CONCAT(&rs->making, &rs->reading, link);
}

/* The reader has ended, or there was nothing to read. */
static void
take(struct server *srv, int status)
{
	struct reloads *rs = &srv->reloads;
	bool late = rs->late;
	struct config cfg;
	struct err e;
	int r;

	ev_timer_stop(srv->loop, &rs->limit);
	rs->late = false;
	r = config_init(&cfg, &e);
	if (r == 0 && late)
		r = err_set(&e, ERR_TIMEOUT, "%s: it was not read within %g s",
		    rs->reader.file, (double)READ_NS / NS_PER_S);
	if (r == 0)
		r = config_load_end(&rs->reader, rs->source, status, &cfg, &e);
	e.key[0] = '\0'; /* no key of the request is at fault */
	config_reader_fini(&rs->reader);
	if (r == -1)
		refuse_file(srv, &e);
	else
		apply(srv, &cfg);
	config_fini(&cfg);
	finish_made(srv);
	begin(srv);
}

/* A pipe is empty the second time, which is a configuration, too. */
static int
check_lasting(const char *file, struct err *e)
{
	struct stat st;

	if (file == NULL || stat(file, &st) == -1 || S_ISREG(st.st_mode))
		return 0;
	return err_set(e, ERR_INVALID_PARAMS,
	    "%s: no regular file, and cannot be read again", file);
}

static void
begin(struct server *srv)
{
	struct reloads *rs = &srv->reloads;
	struct err e;

	if (TAILQ_EMPTY(&rs->next) || !TAILQ_EMPTY(&rs->reading) ||
	    rs->reader.pid != 0)
		return;
	TAILQ_CONCAT(&rs->reading, &rs->next, link);
	if (check_lasting(rs->source->file, &e) == -1 ||
	    config_load_begin(&rs->reader, rs->source, &e) == -1) {
		config_reader_fini(&rs->reader);
		refuse_file(srv, &e);
		check_over(srv);
	} else if (rs->reader.pid == 0) {
		take(srv, 0);
	} else {
		clock_arm(srv->loop, &rs->limit, READ_NS);
	}
}

static void
limit_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct reloads *rs = w->data;

	(void)loop;
	(void)events;
	rs->late = true;
	kill(rs->reader.pid, SIGKILL);
}

bool
reload_reaped(struct server *srv, pid_t pid, int status)
{
	if (pid != srv->reloads.reader.pid)
		return false;
	srv->reloads.reader.pid = 0;
	take(srv, status);
	return true;
}

void
reload_told(struct template *t, uint64_t generation, const struct failure *f)
{
	struct server *srv = t->srv;

	reload_settle(&srv->reloads.reading, t, generation, f);
	reload_settle(&srv->reloads.making, t, generation, f);
	finish_made(srv);
}

int
reload_ask(struct server *srv, const struct request *rq, struct bytes name,
    struct err *e)
{
	struct reloads *rs = &srv->reloads;
	struct reload *r;

	if (srv->drain.active) {
		*e = draining;
		return -1;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL || (name.n > 0 && (r->name = bytes_dup(name)) == NULL)) {
		free(r);
		return err_memory(e, "a reload");
	}
	TAILQ_INIT(&r->steps);
	if (rq != NULL) {
		r->conn = rq->client->id;
		r->request = rq->id;
	}
	TAILQ_INSERT_TAIL(&rs->next, r, link);
	log_info("conn=%ju op=reload%s%s", (uintmax_t)r->conn,
	    r->name != NULL ? " template=" : "",
	    r->name != NULL ? r->name : "");
	/* Before READY=1 it would be told of a start that is not over. */
	if (srv->ready && !rs->told) {
		rs->told = true;
		notify_reloading();
	}
	begin(srv);
	return 0;
}

void
reloads_init(struct server *srv, const struct config_source *source)
{
	struct reloads *rs = &srv->reloads;

	*rs = (struct reloads){ .source = source };
	TAILQ_INIT(&rs->next);
	TAILQ_INIT(&rs->reading);
	TAILQ_INIT(&rs->making);
	config_reader_init(&rs->reader);
	ev_init(&rs->limit, limit_cb);
	rs->limit.data = rs;
}

void
reloads_end(struct server *srv)
{
	struct reloads *rs = &srv->reloads;
	struct template *t;

	if (rs->reader.pid != 0)
		kill(rs->reader.pid, SIGKILL);
	TAILQ_FOREACH(t, &srv->templates.list, link)
	renewal_end(t, &draining);
	fail_all(srv, &rs->next, &draining);
	fail_all(srv, &rs->reading, &draining);
	fail_all(srv, &rs->making, &draining);
}

void
reloads_fini(struct server *srv)
{
	struct reloads *rs = &srv->reloads;
	pid_t pid = rs->reader.pid;

	ev_timer_stop(srv->loop, &rs->limit);
	config_reader_fini(&rs->reader);
	if (pid != 0)
		waitpid(pid, NULL, 0);
	/* They are nobody's: the clients are gone. */
	fail_all(srv, &rs->next, &draining);
	fail_all(srv, &rs->reading, &draining);
	fail_all(srv, &rs->making, &draining);
}
