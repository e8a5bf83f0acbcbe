#include "client/forkctl/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/forkctl/text.h"

static bool
is_utf8(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len)
		if ((len = text_utf8(s + i, n - i)) == 0)
			return false;
	return true;
}

/* Control characters are escaped, C1 too: the output may be a terminal. */
static void
put_string(FILE *f, const char *s, size_t n)
{
	fputc('"', f);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = s[i];

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", f);
		else if (c == '\t')
			fputs("\\t", f);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\u%04x", c);
		else if (c == 0xc2 && i + 1 < n &&
		    (unsigned char)s[i + 1] < 0xa0)
			fprintf(f, "\\u%04x", (unsigned char)s[++i]);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void
put_hex(FILE *f, const char *s, size_t n)
{
	fputc('"', f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", s[i] & 0xff);
	fputc('"', f);
}

static void
put_bytes(FILE *f, const char *s, size_t n)
{
	if (is_utf8(s, n)) {
		put_string(f, s, n);
		return;
	}
	fputs("{\"$bin\": ", f);
	put_hex(f, s, n);
	fputc('}', f);
}

static void
put_ext(FILE *f, const msgpack_object_ext *x)
{
	fprintf(f, "{\"$ext\": [%d, ", x->type);
	put_hex(f, x->ptr, x->size);
	fputs("]}", f);
}

/* The shortest form that reads back the same. */
static void
put_float(FILE *f, double d)
{
	char buf[40];

	if (!isfinite(d)) {
		fputs("null", f);
		return;
	}
	for (int prec = 15; prec <= 17; prec++) {
		snprintf(buf, sizeof(buf), "%.*g", prec, d);
		if (strtod(buf, NULL) == d)
			break;
	}
	if (strpbrk(buf, ".e") == NULL)
		strcat(buf, ".0");
	fputs(buf, f);
}

static void
put_key(FILE *f, const msgpack_object *k)
{
	char *text = NULL;
	size_t n = 0;
	FILE *mem;

	if ((k->type == MSGPACK_OBJECT_STR || k->type == MSGPACK_OBJECT_BIN) &&
	    is_utf8(k->via.str.ptr, k->via.str.size)) {
		put_string(f, k->via.str.ptr, k->via.str.size);
		return;
	}
	mem = open_memstream(&text, &n);
	if (mem == NULL)
		abort();
	json_value(mem, k);
	fclose(mem);
	put_string(f, text, n);
	free(text);
}

static void
put_map(FILE *f, const msgpack_object_map *m)
{
	fputc('{', f);
	for (uint32_t i = 0; i < m->size; i++) {
		if (i > 0)
			fputs(", ", f);
		put_key(f, &m->ptr[i].key);
		fputs(": ", f);
		json_value(f, &m->ptr[i].val);
	}
	fputc('}', f);
}

static void
put_array(FILE *f, const msgpack_object_array *a)
{
	fputc('[', f);
	for (uint32_t i = 0; i < a->size; i++) {
		if (i > 0)
			fputs(", ", f);
		json_value(f, &a->ptr[i]);
	}
	fputc(']', f);
}

void
json_value(FILE *f, const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		fputs("null", f);
		return;
	case MSGPACK_OBJECT_BOOLEAN:
		fputs(o->via.boolean ? "true" : "false", f);
		return;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		fprintf(f, "%" PRIu64, o->via.u64);
		return;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		fprintf(f, "%" PRId64, o->via.i64);
		return;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		put_float(f, o->via.f64);
		return;
	case MSGPACK_OBJECT_STR:
		put_bytes(f, o->via.str.ptr, o->via.str.size);
		return;
	case MSGPACK_OBJECT_BIN:
		put_bytes(f, o->via.bin.ptr, o->via.bin.size);
		return;
	case MSGPACK_OBJECT_ARRAY:
		put_array(f, &o->via.array);
		return;
	case MSGPACK_OBJECT_MAP:
		put_map(f, &o->via.map);
		return;
	case MSGPACK_OBJECT_EXT:
		put_ext(f, &o->via.ext);
		return;
	}
}

void
json_line(FILE *f, const msgpack_object *o)
{
	json_value(f, o);
	fputc('\n', f);
}
