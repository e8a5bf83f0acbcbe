#include "client/forkctl/record.h"

#include <stdint.h>
#include <stdio.h>

#include "client/forkctl/json.h"
#include "client/forkctl/text.h"
#include "client/forkctl/verb.h"
#include "proto/map.h"

static int
status_of_result(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		return 0;
	case MSGPACK_OBJECT_BOOLEAN:
		return o->via.boolean;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return o->via.u64 & 0xff;
	case MSGPACK_OBJECT_STR:
	case MSGPACK_OBJECT_BIN:
		text_block(stderr, o->via.str.ptr, o->via.str.size);
		return 1;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
	case MSGPACK_OBJECT_ARRAY:
	case MSGPACK_OBJECT_MAP:
	case MSGPACK_OBJECT_EXT:
		json_line(stderr, o);
		return 1;
	}
	return 1;
}

static void
tell_exception(struct map *m)
{
	const msgpack_object *o;
	struct map em;
	struct err e;
	struct bytes tb;

	if (map_obj(m, "exception", MAP_OPTIONAL, &o) == 1 &&
	    map_init(&em, o, "", &e) == 0 &&
	    map_text(&em, "traceback", MAP_OPTIONAL, SIZE_MAX, &tb) == 1)
		text_block(stderr, tb.p, tb.n);
}

int
record_status(const msgpack_object *record, bool tell)
{
	const msgpack_object *result;
	struct bytes why;
	struct map m;
	struct err e;
	int64_t v = 0;
	bool timed_out = false;

	if (map_init(&m, record, "", &e) == -1) {
		fprintf(stderr, "forkctl: the exit record is no map\n");
		return EXIT_OURS;
	}
	if (tell)
		tell_exception(&m);
	if (map_bool(&m, "timed_out", MAP_OPTIONAL, &timed_out) == 1 &&
	    timed_out)
		return EXIT_TIMEOUT;
	if (map_int(&m, "signal", MAP_OPTIONAL, 0, 127, &v) == 1)
		return 128 + (int)v;
	if (map_int(&m, "exit_code", MAP_REQUIRED, 0, 255, &v) != 1) {
		fprintf(stderr, "forkctl: the exit record has no exit code\n");
		return EXIT_OURS;
	}
	if (v != 0)
		return (int)v;
	if (map_obj(&m, "result", MAP_OPTIONAL, &result) == 1)
		return status_of_result(result);
	if (map_text(&m, "result_error", MAP_OPTIONAL, SIZE_MAX, &why) == 1) {
		fputs("forkctl: result: ", stderr);
		text_block(stderr, why.p, why.n);
		return 1;
	}
	return 0;
}
