/*
 * The params of `spawn` and `job`, key by key, there and back; and the examples
 * and the table of PROTOCOL.md.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/msg.h"
#include "proto/spawn.h"
#include "tests/harness.h"
#include "tests/lit.h"

/* An object of TEXT that lives until the test's end. */
static msgpack_object
object(const char *text)
{
	msgpack_unpacked *u = calloc(1, sizeof(*u));
	msgpack_sbuffer b;
	msgpack_packer pk;
	size_t off = 0, n;
	char *bytes;

	kept((char *)u);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	lit_pack(&pk, text);
	n = b.size;
	bytes = kept(msgpack_sbuffer_release(&b));
	msgpack_unpacked_init(u);
	ck_assert_int_eq(msgpack_unpack_next(u, bytes, n, &off),
	    MSGPACK_UNPACK_SUCCESS);
	return u->data;
}

static bool
bytes_are(struct bytes b, const char *s, size_t n)
{
	return b.n == n && memcmp(b.p, s, n) == 0;
}

START_TEST(defaults)
{
	struct spawn s;
	struct err e;
	msgpack_object o = object("{'code': ''}");

	ck_assert_int_eq(spawn_read(&s, &o, &e), 0);
	ck_assert(bytes_eq(s.template, "default"));
	ck_assert_int_eq(s.entry, SPAWN_CODE);
	ck_assert(bytes_eq(s.target, "") && bytes_eq(s.cwd, "/"));
	ck_assert_int_eq(s.start, SPAWN_ANY);
	ck_assert(!s.detached && !s.pidfd && !s.has_grace);
	ck_assert(s.args == NULL && s.kwargs == NULL && s.argv == NULL);
	ck_assert(s.env == NULL && s.path == NULL && s.title.n == 0);
	ck_assert_int_eq(s.umask, -1);
	ck_assert_int_eq(s.tty, -1);
	ck_assert_uint_eq(s.nfds, 0);
}
END_TEST

/* Each key wrong in each way that its type allows. */
START_TEST(wrong_keys)
{
	static const struct {
		const char *more, *key;
		enum err_code code;
	} bad[] = {
		{ "'template': 1", "template", ERR_INVALID_PARAMS },
		{ "'template': x'61'", "template", ERR_INVALID_PARAMS },
		{ "'args': 1", "args", ERR_INVALID_PARAMS },
		{ "'kwargs': []", "kwargs", ERR_INVALID_PARAMS },
		{ "'kwargs': {1: 2}", "kwargs", ERR_INVALID_PARAMS },
		{ "'argv': 'a'", "argv", ERR_INVALID_PARAMS },
		{ "'argv': ['a', nil]", "argv[1]", ERR_INVALID_PARAMS },
		{ "'argv': [x'6100']", "argv[0]", ERR_INVALID_PARAMS },
		{ "'env': []", "env", ERR_INVALID_PARAMS },
		{ "'env': {'': 'x'}", "env", ERR_INVALID_PARAMS },
		{ "'env': {'A=': 'x'}", "env", ERR_INVALID_PARAMS },
		{ "'cwd': 1", "cwd", ERR_INVALID_PARAMS },
		{ "'path': ['a', 1]", "path[1]", ERR_INVALID_PARAMS },
		{ "'title': []", "title", ERR_INVALID_PARAMS },
		{ "'umask': -1", "umask", ERR_INVALID_PARAMS },
		{ "'umask': 512", "umask", ERR_INVALID_PARAMS },
		{ "'umask': '022'", "umask", ERR_INVALID_PARAMS },
		{ "'fds': 3", "fds", ERR_INVALID_PARAMS },
		{ "'fds': [-1]", "fds[0]", ERR_INVALID_PARAMS },
		{ "'fds': [0, 511]", "fds[1]", ERR_INVALID_PARAMS },
		{ "'fds': [0, 1, 0]", "fds[2]", ERR_INVALID_PARAMS },
		{ "'fds': [0], 'tty': 1", "tty", ERR_INVALID_PARAMS },
		{ "'tty': 'x'", "tty", ERR_INVALID_PARAMS },
		{ "'start': 'tepid'", "start", ERR_INVALID_PARAMS },
		{ "'detached': 'yes'", "detached", ERR_INVALID_PARAMS },
		{ "'pidfd': 1", "pidfd", ERR_INVALID_PARAMS },
		{ "'grace_ns': 1.5", "grace_ns", ERR_INVALID_PARAMS },
		{ "'grace_ns': 86400000000001", "grace_ns",
		    ERR_INVALID_PARAMS },
		{ "'tokens': 'later'", "tokens", ERR_INVALID_PARAMS },
		{ "'cwd': '/a', 'cwd': '/b'", "cwd", ERR_INVALID_PARAMS },
	};
	char text[256];
	struct spawn s;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "{'call': 'a:b', %s}",
		    bad[i].more);
		msgpack_object o = object(text);

		ck_assert_msg(spawn_read(&s, &o, &e) == -1, "%s", text);
		ck_assert_msg(e.code == bad[i].code, "%s: %s", text, e.msg);
		ck_assert_msg(strcmp(e.key, bad[i].key) == 0, "%s: key %s",
		    text, e.key);
		/* The message names the key too. */
		ck_assert_msg(strstr(e.msg, bad[i].key) != NULL ||
			strcmp(bad[i].key, "cwd") == 0,
		    "%s: %s", text, e.msg);
	}
}
END_TEST

START_TEST(entries)
{
	static const char *const bad[] = { "{}", "{'call': 'a:b', 'code': ''}",
		"{'call': ''}", "{'call': 'a'}", "{'call': ':b'}",
		"{'call': 'a:'}", "{'script': ''}", "{'module': ''}",
		"{'module': x'61'}", "{'code': x'61'}", "{'code': nil}",
		"{'script': 'a', 'args': []}", "{'code': '', 'kwargs': {}}" };
	struct spawn s;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		msgpack_object o = object(bad[i]);

		ck_assert_msg(spawn_read(&s, &o, &e) == -1, "%s", bad[i]);
		ck_assert_int_eq(e.code, ERR_INVALID_PARAMS);
	}
	msgpack_object o = object("{'script': x'2fff'}");

	ck_assert_int_eq(spawn_read(&s, &o, &e), 0);
	ck_assert(bytes_are(s.target, "/\xff", 2));
}
END_TEST

static bool
same_object(const msgpack_object *a, const msgpack_object *b)
{
	return msgpack_object_equal(*a, *b);
}

#define ARRAY(a) \
	&(msgpack_object) \
	{ \
		.type = MSGPACK_OBJECT_ARRAY, .via.array = *(a) \
	}
#define MAP(m) \
	&(msgpack_object) \
	{ \
		.type = MSGPACK_OBJECT_MAP, .via.map = *(m) \
	}

/* What a client asks for is what its child reads. */
START_TEST(job_goes_round)
{
	msgpack_object
	    o = object(
		"{'call': 'pkg.mod:f.g', 'args': [1, 'x', "
		"x'ff'], 'kwargs': {'k': [nil]}, 'argv': ['a', x'80'], "
		"'env': {'A': '', x'ff': x'fe'}, 'path': ['/p', ''], "
		"'cwd': x'2fff', 'title': 'T', 'umask': 63, 'fds': [2, 0, 510], "
		"'tty': 0, 'detached': true, 'grace_ns': 7, 'nice': -5, "
		"'rlimits': {'core': 0, 'as': [1, 'infinity']}, "
		"'cpus': '1,3-5,1023', 'oom_score_adj': -1000, "
		"'memory_max': 'infinity', 'cpu_weight': 10000, 'pids_max': 1}"),
	    back;
	struct spawn a, b;
	struct msg_out out;
	msgpack_unpacked u;
	struct err e;
	size_t off = 0;

	ck_assert_msg(spawn_read(&a, &o, &e) == 0, "%s", e.msg);
	a.id = UINT64_MAX;
	msg_out_init(&out);
	spawn_pack_job(&a, &out.pk);
	msgpack_unpacked_init(&u);
	ck_assert_int_eq(msgpack_unpack_next(&u, out.buf.data, out.buf.size,
			     &off),
	    MSGPACK_UNPACK_SUCCESS);
	back = u.data;
	ck_assert_msg(spawn_read_job(&b, &back, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(b.id, UINT64_MAX);
	ck_assert_int_eq(b.entry, a.entry);
	ck_assert(bytes_are(b.target, a.target.p, a.target.n));
	ck_assert(same_object(ARRAY(a.args), ARRAY(b.args)));
	ck_assert(same_object(MAP(a.kwargs), MAP(b.kwargs)));
	ck_assert(same_object(ARRAY(a.argv), ARRAY(b.argv)));
	ck_assert(same_object(ARRAY(a.path), ARRAY(b.path)));
	ck_assert(same_object(MAP(a.env), MAP(b.env)));
	ck_assert(bytes_are(b.cwd, a.cwd.p, a.cwd.n));
	ck_assert(bytes_are(b.title, "T", 1));
	ck_assert_int_eq(b.umask, 63);
	ck_assert_uint_eq(b.nfds, 3);
	ck_assert_mem_eq(b.fds, a.fds, 3 * sizeof(int));
	ck_assert_int_eq(b.tty, 0);
	for (int i = 0; i < LIMITS; i++)
		ck_assert(limits_have(&a.limits, i) &&
		    limits_same(&a.limits, &b.limits, i));
	ck_assert(b.detached);
	ck_assert_uint_eq(b.grace_ns, 7);
	msgpack_unpacked_destroy(&u);
	msg_out_fini(&out);
}
END_TEST

/* --- PROTOCOL.md --------------------------------------------------------- */

static FILE *
protocol(void)
{
	FILE *f = fopen("proto/PROTOCOL.md", "r");

	ck_assert_msg(f != NULL, "run in the top of the tree");
	return f;
}

static size_t
read_hex(FILE *f, uint8_t *p)
{
	char line[4096];
	size_t n = 0;
	unsigned v;
	int used;

	while (fgets(line, sizeof(line), f) != NULL && line[0] != '`')
		for (char *at = line; sscanf(at, "%2x%n", &v, &used) == 1;
		    at += used)
			p[n++] = v;
	return n;
}

/* Each example scans, unpacks, and is read by the reader of its method. */
START_TEST(examples)
{
	char line[4096];
	uint8_t p[4096];
	unsigned spawns = 0, jobs = 0, all = 0;
	struct spawn s;
	struct msg m;
	struct err e;
	size_t n, len;
	FILE *f = protocol();

	while (fgets(line, sizeof(line), f) != NULL) {
		if (strcmp(line, "```rpc\n") != 0)
			continue;
		ck_assert(fgets(line, sizeof(line), f) != NULL);
		n = read_hex(f, p);
		ck_assert(!feof(f) && !ferror(f));
		ck_assert_msg(frame_scan(&(struct frame_scan){ 0 }, p, n,
				  &frame_limits_default, &len, &e) == 1 &&
			len == n,
		    "%s", line);
		ck_assert_msg(msg_unpack(&m, p, n, &e) == 0, "%s: %s", line,
		    e.msg);
		if (m.type == MSG_REQUEST && strcmp(m.method, "spawn") == 0) {
			ck_assert_msg(spawn_read(&s, &m.params, &e) == 0, "%s",
			    e.msg);
			spawns++;
		} else if (m.type == MSG_REQUEST &&
		    strcmp(m.method, "job") == 0) {
			ck_assert_msg(spawn_read_job(&s, &m.params, &e) == 0,
			    "%s", e.msg);
			jobs++;
		}
		all++;
		msg_fini(&m);
	}
	fclose(f);
	ck_assert_uint_ge(spawns, 1);
	ck_assert_uint_ge(jobs, 1);
	ck_assert_uint_ge(all, 20);
}
END_TEST

/* The document's table of errors has the rows of ERR_CODES, in their order. */
START_TEST(error_table)
{
	char line[512], want[256];
	int code = ERR_NONE;
	FILE *f = protocol();

	while (fgets(line, sizeof(line), f) != NULL &&
	    strcmp(line, "| code | meaning |\n") != 0)
		;
	ck_assert(!feof(f) && !ferror(f));
	ck_assert(fgets(line, sizeof(line), f) != NULL);
	while (fgets(line, sizeof(line), f) != NULL && line[0] == '|') {
		code++;
		ck_assert_int_lt(code, ERR_COUNT);
		snprintf(want, sizeof(want), "| `%s` | %s |\n", err_name(code),
		    err_meaning(code));
		ck_assert_str_eq(line, want);
	}
	ck_assert_int_eq(code, ERR_COUNT - 1);
	fclose(f);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { defaults, wrong_keys, entries,
		job_goes_round, examples, error_table, NULL };

	return harness_main("spawn", tests);
}
