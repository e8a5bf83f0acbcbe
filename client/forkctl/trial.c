#include "client/forkctl/trial.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/forkctl/signals.h"
#include "client/forkctl/text.h"
#include "proto/clock.h"

/* A signal that ends forkctl, 0: none came. */
static int
ending_signal(int signals)
{
	int sig;

	while ((sig = signals_next(signals)) != 0)
		switch (sig) {
		case SIGTSTP:
			signals_stop_job();
			break;
		case SIGCONT:
		case SIGWINCH:
			break;
		default:
			return sig;
		}
	return 0;
}

/* Until something has come from the daemon.  False: a signal is to end us. */
static bool
await(struct forkserver *fs, int signals, struct trial *t)
{
	struct pollfd p[] = {
		{ .fd = forkserver_fd(fs),
		    .events = forkserver_poll_events(fs) },
		{ .fd = signals, .events = POLLIN },
	};

	poll(p, 2, -1);
	t->sig = p[1].revents != 0 ? ending_signal(signals) : 0;
	return t->sig == 0;
}

static void
tell_bad_end(struct map *record, int64_t code, int64_t sig, struct trial *t)
{
	const msgpack_object *o;
	struct bytes said = { "", 0 };
	struct map m;
	struct err e;
	size_t n;
	FILE *f = open_memstream(&t->told, &n);

	if (f == NULL)
		abort();
	if (sig != 0)
		fprintf(f, "forkctl: a child was ended by signal %d\n",
		    (int)sig);
	else
		fprintf(f, "forkctl: a child exited with status %d\n",
		    (int)code);
	if (map_obj(record, "exception", MAP_OPTIONAL, &o) == 1 &&
	    map_init(&m, o, "", &e) == 0 &&
	    map_text(&m, "traceback", MAP_OPTIONAL, SIZE_MAX, &said) == 1)
		text_block(f, said.p, said.n);
	fclose(f);
}

/* Reads an exit record; where it tells of no good end T tells so. */
static bool
ended_well(const struct forkserver_event *record, struct trial *t)
{
	int64_t code = -1, sig = 0;
	msgpack_unpacked u;
	struct map m;
	struct err e;
	size_t off = 0;
	bool well = false;

	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, (const char *)record->data, record->size,
		&off) == MSGPACK_UNPACK_SUCCESS &&
	    map_init(&m, &u.data, "", &e) == 0) {
		map_int(&m, "exit_code", MAP_OPTIONAL, INT64_MIN, INT64_MAX,
		    &code);
		map_int(&m, "signal", MAP_OPTIONAL, INT64_MIN, INT64_MAX, &sig);
		well = code == 0;
		if (!well)
			tell_bad_end(&m, code, sig, t);
	}
	msgpack_unpacked_destroy(&u);
	return well;
}

static enum trial_end
await_reply(struct forkserver *fs, int signals, uint32_t id, struct trial *t,
    struct answer *a)
{
	int r;

	while ((r = forkserver_result(fs, id, 0, &a->reply, &a->error)) == 0)
		if (!await(fs, signals, t))
			return TRIAL_STOPPED;
	a->failed = r == -1;
	answer_open(a);
	return a->failed ? TRIAL_REFUSED : TRIAL_DONE;
}

static enum trial_end
await_end(struct forkserver *fs, int signals, struct trial *t)
{
	struct forkserver_event ev;
	struct forkserver_error e;
	bool exited, well;
	int r;

	for (;;) {
		r = forkserver_next_event(fs, 0, &ev, &e);
		if (r == -1) {
			if (asprintf(&t->told, "forkctl: %s\n", e.message) ==
			    -1)
				abort();
			return TRIAL_BROKEN;
		}
		if (r == 0) {
			if (!await(fs, signals, t))
				return TRIAL_STOPPED;
			continue;
		}
		exited = strcmp(ev.name, "exited") == 0;
		well = exited && ended_well(&ev, t);
		forkserver_event_free(&ev);
		if (exited)
			return well ? TRIAL_DONE : TRIAL_BROKEN;
	}
}

enum trial_end
trial_run(struct forkserver *fs, int signals, const msgpack_sbuffer *params,
    struct trial *t, struct answer *a)
{
	struct bytes start = { "", 0 };
	enum trial_end end;
	uint64_t begun;
	struct map m;
	struct err e;
	uint32_t id;

	*t = (struct trial){ 0 };
	begun = clock_ns();
	if (forkserver_send(fs, "spawn", params->data, params->size, NULL, 0,
		&id, &a->error) == -1) {
		a->failed = true;
		return TRIAL_REFUSED;
	}
	end = await_reply(fs, signals, id, t, a);
	if (end != TRIAL_DONE)
		return end;
	t->started_ns = clock_ns() - begun;
	end = await_end(fs, signals, t);
	t->reaped_ns = clock_ns() - begun;
	if (map_init(&m, &a->value.data, "", &e) == 0)
		map_str(&m, "start", MAP_OPTIONAL, SIZE_MAX, &start);
	snprintf(t->start, sizeof(t->start), "%.*s", (int)start.n, start.p);
	return end;
}
