#include "proto/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "proto/pack.h"
#include "proto/reserve.h"
#include "proto/spare.h"

#define KEEP (16u << 10) /* bytes of room; with more it is freed */

/* Each has its size at its beginning. */
static struct spare spare;

void
buffer_init(msgpack_sbuffer *b)
{
	msgpack_sbuffer_init(b);
	b->data = spare_take(&spare);
	if (b->data != NULL)
		memcpy(&b->alloc, b->data, sizeof(b->alloc));
}

void
buffer_fini(msgpack_sbuffer *b)
{
	if (b->alloc >= sizeof(b->alloc) && b->alloc <= KEEP) {
		memcpy(b->data, &b->alloc, sizeof(b->alloc));
		spare_free(&spare, b->data);
	} else {
		msgpack_sbuffer_destroy(b);
	}
	msgpack_sbuffer_init(b);
}

int
buffer_keep(msgpack_sbuffer *to, const msgpack_sbuffer *from)
{
	if (pack_spoilt(from)) {
		msgpack_sbuffer_clear(to);
		return -1;
	}
	if (to->alloc < from->size) {
		msgpack_sbuffer_destroy(to);
		msgpack_sbuffer_init(to);
		to->data = from->size < RESERVE_EACH ?
		    reserve_realloc(NULL, from->size) :
		    malloc(from->size);
		if (to->data == NULL)
			return -1;
		to->alloc = from->size;
	}
	to->size = from->size;
	if (from->size > 0)
		memcpy(to->data, from->data, from->size);
	return 0;
}
