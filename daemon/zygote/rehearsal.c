#include "daemon/zygote/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

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
		return err_set(e, ERR_SYSTEM, "no memory for a descriptor");
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

void
rehearsal_over(struct rehearsal *r)
{
	close(r->control);
	stream_fini(&r->ours);
}
