#include "client/forkctl/tree.h"

#include <stdbool.h>
#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/text.h"

static void print_map(FILE *, const msgpack_object_map *, int);

static bool
is_duration(const msgpack_object *key, const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
	    key->type == MSGPACK_OBJECT_STR && key->via.str.size > 3 &&
	    memcmp(key->via.str.ptr + key->via.str.size - 3, "_ns", 3) == 0;
}

static bool
is_text(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_STR || o->type == MSGPACK_OBJECT_BIN;
}

static void
print_lines(FILE *f, const char *s, size_t n, int indent)
{
	while (n > 0) {
		const char *end = memchr(s, '\n', n);
		size_t len = end != NULL ? (size_t)(end - s) : n;

		fprintf(f, "\n%*s", indent, "");
		text_word(f, s, len);
		len += end != NULL;
		s += len;
		n -= len;
	}
	fputc('\n', f);
}

static void
print_list(FILE *f, const msgpack_object_array *a, int indent)
{
	fputc('\n', f);
	for (uint32_t i = 0; i < a->size; i++) {
		const msgpack_object *o = &a->ptr[i];

		fprintf(f, "%*s- ", indent, "");
		if (o->type == MSGPACK_OBJECT_MAP && o->via.map.size > 0) {
			print_map(f, &o->via.map, -(indent + 2));
		} else if (is_text(o)) {
			text_word(f, o->via.str.ptr, o->via.str.size);
			fputc('\n', f);
		} else {
			json_line(f, o);
		}
	}
}

static void
print_value(FILE *f, const msgpack_object *key, const msgpack_object *o,
    int indent)
{
	char buf[32];

	if (o->type == MSGPACK_OBJECT_MAP && o->via.map.size > 0) {
		fputc('\n', f);
		print_map(f, &o->via.map, indent + 2);
	} else if (o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size > 0) {
		print_list(f, &o->via.array, indent + 2);
	} else if (is_duration(key, o)) {
		text_duration(buf, sizeof(buf), o->via.u64);
		fprintf(f, " %s\n", buf);
	} else if (is_text(o) &&
	    memchr(o->via.str.ptr, '\n', o->via.str.size) != NULL) {
		print_lines(f, o->via.str.ptr, o->via.str.size, indent + 2);
	} else if (is_text(o)) {
		fputc(' ', f);
		text_word(f, o->via.str.ptr, o->via.str.size);
		fputc('\n', f);
	} else {
		fputc(' ', f);
		json_line(f, o);
	}
}

/* A negative INDENT: the first line is indented already. */
static void
print_map(FILE *f, const msgpack_object_map *m, int indent)
{
	bool first = indent < 0;

	indent = first ? -indent : indent;
	for (uint32_t i = 0; i < m->size; i++) {
		const msgpack_object *k = &m->ptr[i].key;

		if (!first)
			fprintf(f, "%*s", indent, "");
		first = false;
		if (is_text(k))
			text_word(f, k->via.str.ptr,
			    k->via.str.size -
				(is_duration(k, &m->ptr[i].val) ? 3 : 0));
		else
			json_value(f, k);
		fputc(':', f);
		print_value(f, k, &m->ptr[i].val, indent);
	}
}

void
tree_print(FILE *f, const msgpack_object *o)
{
	if (o->type == MSGPACK_OBJECT_MAP)
		print_map(f, &o->via.map, 0);
	else
		json_line(f, o);
}
