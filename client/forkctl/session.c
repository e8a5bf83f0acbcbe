#include "client/forkctl/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/forkctl/json.h"
#include "client/forkctl/record.h"
#include "client/forkctl/relay.h"
#include "client/forkctl/signals.h"
#include "proto/clock.h"

#define BACKGROUND_MS 250 /* a shell's `fg` of a running job tells nobody */
#define STARTING_NS (NS_PER_S / 5) /* for an answer that is on its way */

enum { P_DAEMON, P_SIGNALS, P_TERMINAL, P_MASTER, P_COUNT };

struct session {
	struct context *ctx;
	struct forkserver *fs;
	int sigfd;
	struct terminal term; /* fd -1: nothing is relayed */
	struct pty pty;
	struct relay relay;

	uint32_t call; /* the spawn */
	bool started, over;
	uint64_t child;    /* its id, once started */
	unsigned asked;    /* signals that asked it to end */
	int early;         /* one that came before it had started, or 0 */
	uint64_t early_ns; /* when */
	bool told_hangup;
	struct answer end; /* exit record, or why there is none */
	int status;        /* where END has neither */
};

static bool
relays(const struct session *s)
{
	return s->term.fd != -1;
}

static void
tell_child(struct session *s, const char *method, int sig)
{
	if (s->started)
		rpc_tell(s->fs, method, s->child, sig);
}

/* The end of the connection ends the child. */
static void
give_up(struct session *s, int sig)
{
	s->status = 128 + sig;
	s->over = true;
}

/* The first one is the child's to heed, the second ends it.  A child may run
 * before we know it: its start is waited for, for a moment. */
static void
ask_to_end(struct session *s, int sig)
{
	if (!s->started && s->early == 0) {
		s->early = sig;
		s->early_ns = clock_ns();
	} else if (!s->started) {
		give_up(s, sig);
	} else if (s->asked++ == 0) {
		tell_child(s, "signal", sig);
	} else {
		tell_child(s, "kill", 0);
	}
}

/* What to do about an early signal.  Milliseconds to wait at most, or -1. */
static int
settle_early(struct session *s)
{
	int sig = s->early;
	uint64_t waited;

	if (sig == 0 || s->over)
		return -1;
	if (s->started) {
		s->early = 0;
		ask_to_end(s, sig);
		return -1;
	}
	waited = clock_ns() - s->early_ns;
	if (waited < STARTING_NS)
		return (int)((STARTING_NS - waited) / 1000000) + 1;
	give_up(s, sig);
	return 0;
}

/*
 * The child's foreground group is stopped by us: its session has no shell, so
 * that the kernel ignores what the suspend character sends (its group is an
 * orphaned one).
 */
static void
signal_group(struct session *s, pid_t pgrp, int sig)
{
	if (pgrp == 0 || kill(-pgrp, sig) == -1)
		tell_child(s, "signal", sig);
}

static void
go_on(struct session *s)
{
	if (!relays(s))
		return;
	terminal_raw(&s->term);
	pty_resize(&s->pty, s->term.fd);
}

static void
suspend(struct session *s)
{
	pid_t pgrp = relays(s) ? pty_foreground(&s->pty) : 0;
	enum signals_action act = signals_action(pgrp, SIGTSTP);

	if (pgrp != 0 && act == SIGNALS_IGNORED)
		return;
	if (pgrp != 0 && act == SIGNALS_CAUGHT)
		relay_leave_screen(&s->relay);
	signal_group(s, pgrp, SIGSTOP);
	if (relays(s)) {
		if (act != SIGNALS_CAUGHT)
			relay_flush(&s->relay);
		terminal_restore(&s->term);
	}
	signals_stop_job();
	go_on(s);
	signal_group(s, pgrp, SIGCONT);
	if (pgrp != 0) /* full-screen programs draw anew */
		kill(-pgrp, SIGWINCH);
}

static void
on_signal(struct session *s, int sig)
{
	switch (sig) {
	case SIGWINCH:
	case SIGCONT:
		go_on(s);
		break;
	case SIGTSTP:
		suspend(s);
		break;
	default:
		ask_to_end(s, sig);
	}
}

static void
finish_with_reply(struct session *s, struct forkserver_reply *r, bool failed)
{
	s->end.reply = *r;
	s->end.failed = failed;
	answer_open(&s->end);
	s->over = true;
}

/* The id of the child out of the response to spawn. */
static int
read_started(struct session *s, struct forkserver_reply *r)
{
	struct answer a;
	struct map m;
	struct err e;
	int rc = -1;

	answer_init(&a);
	a.reply = *r;
	answer_open(&a);
	if (map_init(&m, &a.value.data, "", &e) == 0 &&
	    map_uint(&m, "id", MAP_REQUIRED, UINT64_MAX, &s->child) == 1)
		rc = 0;
	answer_fini(&a);
	return rc;
}

static void
on_event(struct session *s, struct forkserver_event *ev)
{
	struct forkserver_reply r = { .data = ev->data, .size = ev->size };

	/* Somebody has taken the lease: the end is told to those who ask. */
	if (strcmp(ev->name, "moved") == 0)
		tell_child(s, "subscribe", 0);
	if (strcmp(ev->name, "exited") != 0) {
		forkserver_event_free(ev);
		return;
	}
	finish_with_reply(s, &r, false); /* one child, one end */
}

static void
take_messages(struct session *s)
{
	struct forkserver_error *e = &s->end.error;
	struct forkserver_reply r;
	struct forkserver_event ev;
	int rc;

	if (!s->started) {
		rc = forkserver_result(s->fs, s->call, 0, &r, e);
		if (rc == -1)
			finish_with_reply(s, &r, true);
		if (rc != 1)
			return;
		s->started = true;
		if (read_started(s, &r) == -1) {
			fprintf(stderr, "forkctl: the reply has no id\n");
			s->status = EXIT_OURS;
			s->over = true;
		}
	}
	while (!s->over) {
		rc = forkserver_next_event(s->fs, 0, &ev, e);
		if (rc == 0)
			return;
		if (rc == 1) {
			on_event(s, &ev);
		} else {
			r = (struct forkserver_reply){ 0 };
			finish_with_reply(s, &r, true);
		}
	}
}

static void
turn(struct session *s)
{
	switch (relay_turn(&s->relay)) {
	case RELAY_ON:
		break;
	case RELAY_SUSPEND:
		suspend(s);
		break;
	case RELAY_INTERRUPT:
		ask_to_end(s, SIGINT);
	}
	if (s->relay.hung_up && !s->told_hangup) {
		s->told_hangup = true;
		ask_to_end(s, SIGHUP);
	}
}

static void
loop(struct session *s)
{
	for (;;) {
		struct pollfd p[P_COUNT] = {
			[P_DAEMON] = { .fd = forkserver_fd(s->fs),
			    .events = forkserver_poll_events(s->fs) },
			[P_SIGNALS] = { .fd = s->sigfd, .events = POLLIN },
			[P_TERMINAL] = { .fd = -1 },
			[P_MASTER] = { .fd = -1 },
		};
		int sig, timeout;

		take_messages(s);
		timeout = settle_early(s);
		if (s->over)
			return;
		if (relays(s)) {
			relay_poll(&s->relay, &p[P_TERMINAL]);
			if (!s->term.raw && timeout == -1)
				timeout = BACKGROUND_MS;
		}
		if (poll(p, P_COUNT, timeout) == -1 && errno != EINTR)
			return;
		while (!s->over && (sig = signals_next(s->sigfd)) != 0)
			on_signal(s, sig);
		if (relays(s) && !s->over) {
			if (!s->term.raw && terminal_foreground(&s->term))
				go_on(s);
			turn(s);
		}
	}
}

/* Sends the spawn: each of fds 0 to 2 that is a terminal becomes the slave. */
static int
start(struct session *s, const struct program *prog)
{
	int targets[3], fds[3], tty = -1;
	unsigned n = 0;
	struct params p;
	int rc;

	for (int fd = 0; fd < 3; fd++) {
		bool slave = relays(s) && isatty(fd);

		if (s->ctx->was_closed[fd] || prog->redirect.file[fd] != NULL)
			continue;
		if (slave && tty == -1)
			tty = fd;
		targets[n] = fd;
		fds[n++] = slave ? s->pty.slave : fd;
	}
	params_init(&p);
	program_pack(prog, &p, targets, n, tty, false);
	pack_map_end(&p.map);
	rc = forkserver_send(s->fs, "spawn", p.buf.data, p.buf.size, fds, n,
	    &s->call, &s->end.error);
	params_fini(&p);
	return rc;
}

/*
 * Pipes that the child closes are to be closed: nobody waits for forkctl's
 * copies of them.  Standard error is kept for messages.
 */
static void
let_go_of_pipes(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null != -1 && fd < 2; fd++)
		if (!isatty(fd))
			dup2(null, fd);
	close(null);
}

static int
status(struct session *s)
{
	if (s->end.failed)
		return rpc_failed_start(s->ctx, &s->end);
	if (s->end.reply.data == NULL)
		return s->status;
	if (s->ctx->json)
		json_line(s->ctx->out, &s->end.value.data);
	return record_status(&s->end.value.data, false);
}

static int
open_relay(struct session *s, const struct program *prog)
{
	struct err e;

	s->term.fd = s->pty.master = s->pty.slave = -1;
	if (prog->no_tty || !terminal_open(&s->term))
		return 0;
	if (pty_open(&s->pty, &s->term.saved, s->term.fd, &e) == -1) {
		fprintf(stderr, "forkctl: %s\n", e.msg);
		terminal_fini(&s->term);
		return -1;
	}
	relay_init(&s->relay, &s->term, &s->pty);
	return 0;
}

int
session_run(struct context *ctx, struct forkserver *fs,
    const struct program *prog)
{
	struct session s = { .ctx = ctx, .fs = fs, .status = EXIT_OURS };
	int rc = EXIT_OURS;

	answer_init(&s.end);
	s.sigfd = signals_open();
	if (s.sigfd == -1 || open_relay(&s, prog) == -1)
		goto out;
	if (start(&s, prog) == -1) {
		s.end.failed = true;
	} else {
		go_on(&s);
		let_go_of_pipes();
		loop(&s);
	}
	if (relays(&s)) {
		relay_finish(&s.relay, s.sigfd);
		terminal_fini(&s.term);
	}
	rc = status(&s);
out:
	pty_fini(&s.pty);
	signals_close(s.sigfd);
	answer_fini(&s.end);
	return rc;
}
