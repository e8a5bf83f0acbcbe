/*
 * buffer: msgpack's sbuffer with room from the start, which the one before it
 * has left, so that packing something short allocates nothing.
 */
#ifndef PROTO_BUFFER_H
#define PROTO_BUFFER_H

#include <msgpack.h>

/* B is empty, and to be packed into. */
void buffer_init(msgpack_sbuffer *b);
/* Frees what it holds; it is empty then, without room.  Safe twice, and for one
 * that msgpack_sbuffer_init began. */
void buffer_fini(msgpack_sbuffer *b);
/*
 * Puts what FROM holds into TO, for as long as that is kept: in the room that TO
 * has, or in new memory with none to spare, where an sbuffer's own begins with
 * 8 KiB.  0, or -1: no memory, be it that FROM is spoilt; TO is empty then.
 */
int buffer_keep(msgpack_sbuffer *to, const msgpack_sbuffer *from);

#endif
