#include "daemon/zygote/line.h"

void
line_say(struct line *l, struct msg_out *o)
{
	struct err e;

	if (stream_put(&l->stream, o, &e) == 0)
		return;
	if (e.code == ERR_DISCONNECTED)
		l->unheard = true;
	else
		l->over = true; /* it waits for what could not be said */
}
