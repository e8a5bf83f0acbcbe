#include "daemon/zygote/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/map.h"
#include "proto/msg.h"
#include "proto/spawn.h"

#define MAX_OUT 4096 /* bytes: the job is one frame of some hundred */
#define TEXT(s) (struct bytes){ s, sizeof(s) - 1 }

static int
send_job(struct stream *st, struct err *e)
{
	const struct spawn job = {
		.id = 1,
		.grace_ns = 1,
		.entry = SPAWN_CALL,
		.target = TEXT("_forkserverd:rehearsal"),
		.cwd = TEXT("/"),
		.umask = -1,
		.fds = { 3 },
		.nfds = 1,
		.tty = -1,
		.socket = TEXT("/run/forkserverd/forkserverd.sock"),
		.cookie = TEXT("0123456789abcdef0123456789abcdef"),
	};
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct msg_out o;

	if (fd == -1)
		return err_sys(e, errno, "open \"/dev/null\"");
	msg_out_init(&o);
	if (msg_out_fd(&o, fd) == -1) {
		msg_out_fini(&o);
		return err_memory(e, "a descriptor");
	}
	msg_begin_request(&o, 1, "job");
	spawn_pack_job(&job, &o.pk);
	return stream_put(st, &o, e);
}

int
rehearsal_begin(struct rehearsal *r, struct err *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return err_sys(e, errno, "make a rehearsal's socket");
	r->control = ends[0];
	stream_init(&r->ours, ends[1], &frame_limits_default, MAX_OUT);
	if (send_job(&r->ours, e) == 0)
		return 0;
	rehearsal_over(r);
	return -1;
}

/* Appends the text at KEY, its first line. */
static void
add_line(struct map *m, const char *key, const char *before, char *words)
{
	const size_t at = strlen(words);
	struct bytes b;
	const char *end;

	if (map_text(m, key, MAP_OPTIONAL, SIZE_MAX, &b) != 1)
		return;
	end = memchr(b.p, '\n', b.n);
	if (end != NULL)
		b.n = end - b.p;
	b = bytes_cut(b, REHEARSAL_WORDS - 1 - at - strlen(before));
	snprintf(words + at, REHEARSAL_WORDS - at, "%s%.*s", before, (int)b.n,
	    b.p);
}

/* Of a job that raised, or one that could not begin. */
static void
read_fault(const struct msg *msg, char *words)
{
	const msgpack_object *exc;
	struct map m;
	struct err e;

	if (msg->type == MSG_RESPONSE &&
	    map_init(&m, &msg->error, "error", &e) == 0) {
		add_line(&m, "message", "", words);
	} else if (msg->type == MSG_NOTIFY &&
	    map_init(&m, &msg->params, "done", &e) == 0 &&
	    map_obj(&m, "exception", MAP_OPTIONAL, &exc) == 1 &&
	    map_init(&m, exc, "exception", &e) == 0) {
		add_line(&m, "type", "", words);
		add_line(&m, "message", ": ", words);
	}
}

void
rehearsal_words(struct rehearsal *r, char words[REHEARSAL_WORDS])
{
	struct stream *st = &r->ours;
	struct msg m;
	struct err e;

	words[0] = '\0';
	/* Its end may still be open, here and in what the child has left. */
	if (fcntl(st->fd, F_SETFL, O_NONBLOCK) == -1)
		return;
	while (words[0] == '\0') {
		const int got = stream_next(st, &m, &e);

		if (got == -1 ||
		    (got == 0 && stream_fill(st, &e) != STREAM_GOT))
			return;
		if (got == 0)
			continue;
		read_fault(&m, words);
		msg_fini(&m);
	}
}

void
rehearsal_over(struct rehearsal *r)
{
	close(r->control);
	stream_fini(&r->ours);
}
