/*
 * line: the zygote's end of its socket to the daemon, and whether there is
 * anybody at the other one.  What is said is tell's affair.
 */
#ifndef ZYGOTE_LINE_H
#define ZYGOTE_LINE_H

#include <stdbool.h>

#include "proto/msg.h"
#include "proto/stream.h"

struct line {
	struct stream stream;
	bool unheard; /* the daemon is gone; what it has said may be unread */
	bool over;    /* nothing more is read */
};

/* The socket blocks: the daemon always reads.  Takes what is in O. */
void line_say(struct line *, struct msg_out *o);

#endif
