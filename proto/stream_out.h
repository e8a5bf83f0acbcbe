/*
 * stream_out: what a stream has to send: stream_put, stream_flush and
 * stream_pending of stream.h, and the queue behind them.
 */
#ifndef PROTO_STREAM_OUT_H
#define PROTO_STREAM_OUT_H

struct stream;

/* Frees what is queued and closes its fds. */
void stream_out_drop(struct stream *);

#endif
