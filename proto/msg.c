#include "proto/msg.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/buffer.h"
#include "proto/map.h"
#include "proto/pack.h"
#include "proto/reserve.h"
#include "proto/spare.h"

/* With nothing in them. */
static struct spare zones;

static const msgpack_object empty_map = { .type = MSGPACK_OBJECT_MAP };

static bool
is_uint(const msgpack_object *o, uint64_t max)
{
	return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= max;
}

/* method and [params], of a request (A[2], A[3]) or notification. */
static int
read_call(struct msg *m, const msgpack_object *method,
    const msgpack_object *params, struct err *e)
{
	size_t n;

	if (method->type != MSGPACK_OBJECT_STR)
		return err_set(e, ERR_INVALID_REQUEST, "method must be a str");
	n = method->via.str.size;
	if (n >= sizeof(m->method))
		n = sizeof(m->method) - 1;
	memcpy(m->method, method->via.str.ptr, n);
	if (params->type != MSGPACK_OBJECT_ARRAY || params->via.array.size > 1)
		return err_set(e, ERR_INVALID_REQUEST,
		    "params must be an array of one map");
	if (params->via.array.size == 0)
		return 0;
	if (params->via.array.ptr[0].type != MSGPACK_OBJECT_MAP)
		return err_set(e, ERR_INVALID_REQUEST,
		    "params must be an array of one map");
	m->params = params->via.array.ptr[0];
	return 0;
}

/* One that is not for us may have any params (neovim answers an event with one
 * of two texts); they are nil then, which no reader takes for a map. */
static int
read_notify(struct msg *m, const msgpack_object *method,
    const msgpack_object *params, struct err *e)
{
	if (method->type != MSGPACK_OBJECT_STR ||
	    params->type != MSGPACK_OBJECT_ARRAY)
		return err_set(e, ERR_MALFORMED,
		    "frame is not a message of MessagePack-RPC");
	if (read_call(m, method, params, e) == -1)
		m->params = (msgpack_object){ .type = MSGPACK_OBJECT_NIL };
	return 0;
}

static int
read_envelope(struct msg *m, const msgpack_object *o, struct err *e)
{
	const msgpack_object *a;
	uint32_t n;

	if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size < 3 ||
	    !is_uint(&o->via.array.ptr[0], 2))
		return err_set(e, ERR_MALFORMED,
		    "frame is not a message of MessagePack-RPC");
	a = o->via.array.ptr;
	n = o->via.array.size;
	m->type = a[0].via.u64;
	if (m->type == MSG_NOTIFY && n == 3)
		return read_notify(m, &a[1], &a[2], e);
	if (m->type == MSG_NOTIFY || n != 4 || !is_uint(&a[1], UINT32_MAX))
		return err_set(e, ERR_MALFORMED,
		    "frame is not a message of MessagePack-RPC");
	m->id = a[1].via.u64;
	if (m->type == MSG_REQUEST)
		return read_call(m, &a[2], &a[3], e);
	m->error = a[2];
	m->result = a[3];
	return 0;
}

static void
zone_free(msgpack_zone *zone)
{
	if (zone == NULL)
		return;
	msgpack_zone_clear(zone);
	if (!spare_keep(&zones, zone))
		msgpack_zone_free(zone);
}

static msgpack_unpack_return
unpack(struct msg *m, const uint8_t *p, size_t n)
{
	size_t off = 0;

	memset(m, 0, sizeof(*m));
	m->params = empty_map;
	msgpack_unpacked_init(&m->unpacked);
	m->unpacked.zone = spare_take(&zones);
	if (m->unpacked.zone == NULL)
		m->unpacked.zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
	if (m->unpacked.zone == NULL)
		return MSGPACK_UNPACK_NOMEM_ERROR;
	/* Not msgpack_unpack_next, which makes a zone each time. */
	return msgpack_unpack((const char *)p, n, &off, m->unpacked.zone,
	    &m->unpacked.data);
}

int
msg_unpack(struct msg *m, const uint8_t *p, size_t n, struct err *e)
{
	msgpack_unpack_return r = unpack(m, p, n);

	if (r == MSGPACK_UNPACK_NOMEM_ERROR && n < RESERVE_EACH &&
	    reserve_spend()) {
		msg_fini(m);
		r = unpack(m, p, n);
	}
	if (r != MSGPACK_UNPACK_SUCCESS) {
		msg_fini(m);
		return r == MSGPACK_UNPACK_NOMEM_ERROR ?
		    err_memory(e, "a frame's values") :
		    err_set(e, ERR_MALFORMED, "frame does not unpack");
	}
	if (read_envelope(m, &m->unpacked.data, e) == 0)
		return 0;
	msg_fini(m);
	return -1;
}

void
msg_fini(struct msg *m)
{
	zone_free(m->unpacked.zone);
	msgpack_unpacked_init(&m->unpacked);
}

void
msg_out_init(struct msg_out *o)
{
	buffer_init(&o->buf);
	pack_init(&o->pk, &o->buf);
	o->nfds = 0;
	o->error = o->answer = false;
	o->id = 0;
}

void
msg_out_seal(struct msg_out *o)
{
	if (o->error)
		msgpack_pack_nil(&o->pk);
	o->error = false;
}

void
msg_out_fini(struct msg_out *o)
{
	buffer_fini(&o->buf);
	for (unsigned i = 0; i < o->nfds; i++)
		close(o->fds[i]);
	o->nfds = 0;
	o->error = false;
}

int
msg_out_fd(struct msg_out *o, int fd)
{
	if (o->nfds == MSG_MAX_FDS) {
		close(fd);
		return -1;
	}
	o->fds[o->nfds++] = fd;
	return 0;
}

void
msg_begin_request(struct msg_out *o, uint32_t id, const char *method)
{
	msgpack_pack_array(&o->pk, 4);
	msgpack_pack_uint8(&o->pk, MSG_REQUEST);
	msgpack_pack_uint32(&o->pk, id);
	pack_str(&o->pk, method);
	msgpack_pack_array(&o->pk, 1);
}

void
msg_begin_notify(struct msg_out *o, const char *method)
{
	msgpack_pack_array(&o->pk, 3);
	msgpack_pack_uint8(&o->pk, MSG_NOTIFY);
	pack_str(&o->pk, method);
	msgpack_pack_array(&o->pk, 1);
}

void
msg_begin_result(struct msg_out *o, uint32_t id)
{
	msgpack_pack_array(&o->pk, 4);
	msgpack_pack_uint8(&o->pk, MSG_RESPONSE);
	msgpack_pack_uint32(&o->pk, id);
	msgpack_pack_nil(&o->pk);
	o->answer = true;
	o->id = id;
}

void
msg_begin_error(struct msg_out *o, uint32_t id)
{
	msgpack_pack_array(&o->pk, 4);
	msgpack_pack_uint8(&o->pk, MSG_RESPONSE);
	msgpack_pack_uint32(&o->pk, id);
	o->error = o->answer = true;
	o->id = id;
}

void
msg_error(struct msg_out *o, uint32_t id, const struct err *e)
{
	struct pack_map m;

	msg_begin_error(o, id);
	pack_map_begin(&o->pk, &m);
	pack_kv_str(&o->pk, &m, "code", err_name(e->code));
	/* The message may hold a path that is not UTF-8. */
	pack_kv_text(&o->pk, &m, "message", e->msg);
	if (e->key[0] != '\0')
		pack_kv_text(&o->pk, &m, "key", e->key);
	if (e->sys != 0)
		pack_kv_int(&o->pk, &m, "errno", e->sys);
	if (e->resource != NULL) {
		pack_kv_str(&o->pk, &m, "resource", e->resource);
		pack_kv_uint(&o->pk, &m, "retry_ns", e->retry_ns);
	}
	pack_map_end(&m);
}

static void
copy_text(struct map *m, const char *key, char *buf, size_t n)
{
	struct bytes b = { NULL, 0 };

	if (map_text(m, key, MAP_OPTIONAL, SIZE_MAX, &b) != 1)
		return;
	if (b.n >= n)
		b.n = n - 1;
	memcpy(buf, b.p, b.n);
	buf[b.n] = '\0';
}

void
msg_read_error(const msgpack_object *o, struct err *e)
{
	struct map m;
	struct err ignored;
	struct bytes code;
	int64_t sys = 0;

	*e = (struct err){ .code = ERR_INTERNAL };
	if (map_init(&m, o, "", &ignored) == -1) {
		err_set(e, ERR_INTERNAL, "the peer's error is no map");
		return;
	}
	if (map_str(&m, "code", MAP_REQUIRED, 64, &code) == 1)
		e->code = err_by_name(code.p, code.n);
	if (map_int(&m, "errno", MAP_OPTIONAL, 0, 4095, &sys) == 1)
		e->sys = sys;
	copy_text(&m, "key", e->key, sizeof(e->key));
	copy_text(&m, "message", e->msg, sizeof(e->msg));
}
