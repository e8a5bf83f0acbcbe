#include "tests/lit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/pack.h"

static const char *value(msgpack_packer *, const char *);

static _Noreturn void
wrong(const char *at)
{
	fprintf(stderr, "lit: no value: %s\n", at);
	abort();
}

static const char *
skip(const char *p)
{
	while (isspace((unsigned char)*p) || *p == ',' || *p == ':')
		p++;
	return p;
}

static const char *
text(msgpack_packer *pk, const char *p)
{
	char *buf = malloc(strlen(p) + 1);
	size_t n = 0;

	for (; *p != '\''; p++) {
		if (*p == '\0')
			wrong("'");
		if (*p != '\\')
			buf[n++] = *p;
		else if (*++p == 'n')
			buf[n++] = '\n';
		else
			buf[n++] = *p;
	}
	pack_strn(pk, buf, n);
	free(buf);
	return p + 1;
}

static const char *
bytes(msgpack_packer *pk, const char *p)
{
	unsigned char buf[256];
	size_t n = 0;
	unsigned v;

	for (; *p != '\''; p += 2) {
		if (n == sizeof(buf) || sscanf(p, "%2x", &v) != 1)
			wrong(p);
		buf[n++] = v;
	}
	pack_bytes(pk, buf, n);
	return p + 1;
}

/* The values up to END, packed apart to be counted. */
static const char *
container(msgpack_packer *pk, const char *p, char end)
{
	msgpack_sbuffer in;
	msgpack_packer sub;
	size_t n = 0;

	msgpack_sbuffer_init(&in);
	msgpack_packer_init(&sub, &in, msgpack_sbuffer_write);
	for (p = skip(p); *p != end; p = skip(p), n++)
		p = value(&sub, p);
	if (end == '}')
		msgpack_pack_map(pk, n / 2);
	else
		msgpack_pack_array(pk, n);
	msgpack_sbuffer_write(pk->data, in.data, in.size);
	msgpack_sbuffer_destroy(&in);
	return p + 1;
}

static const char *
word(msgpack_packer *pk, const char *p)
{
	char *end;

	if (strncmp(p, "true", 4) == 0) {
		msgpack_pack_true(pk);
		return p + 4;
	}
	if (strncmp(p, "false", 5) == 0) {
		msgpack_pack_false(pk);
		return p + 5;
	}
	if (strncmp(p, "nil", 3) == 0) {
		msgpack_pack_nil(pk);
		return p + 3;
	}
	if (strcspn(p, ".") < strspn(p, "-0123456789."))
		msgpack_pack_double(pk, strtod(p, &end));
	else if (*p == '-')
		msgpack_pack_int64(pk, strtoll(p, &end, 10));
	else
		msgpack_pack_uint64(pk, strtoull(p, &end, 10));
	if (end == p)
		wrong(p);
	return end;
}

static const char *
value(msgpack_packer *pk, const char *p)
{
	switch (*p) {
	case '\'':
		return text(pk, p + 1);
	case 'x':
		return bytes(pk, p + 2);
	case '{':
		return container(pk, p + 1, '}');
	case '[':
		return container(pk, p + 1, ']');
	default:
		return word(pk, p);
	}
}

void
lit_pack(msgpack_packer *pk, const char *s)
{
	s = skip(value(pk, skip(s)));
	if (*s != '\0')
		wrong(s);
}
