/*
 * Files that a child opens itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/written.h"

/* The path of NAME in the daemon's folder, and back. */
static const char *
path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", live.dir, name);
	return path;
}

static void
put(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
expect_file(const char *name, const char *want, mode_t mode)
{
	int fd = open(path_of(name), O_RDONLY);
	struct stat st;

	ck_assert_msg(fd != -1, "%s: %s", name, strerror(errno));
	ck_assert_str_eq(read_text(fd, false), want);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, mode);
	close(fd);
}

/* Runs writes:both with FILES, in the daemon's folder. */
static void
run_with(struct peer *p, const char *files, const char *more)
{
	struct reply r;

	ck_assert_int_eq(run(p, &r,
			     "{'call': 'writes:both', 'cwd': '%s',"
			     " 'umask': 23, 'files': %s, %s}",
			     live.dir, files, more),
	    0);
	reply_fini(&r);
}

static void
opened(struct peer *p, const char *more)
{
	run_with(p, "[{'fd': 1, 'path': 'out', 'access': 'new'}]", more);
	expect_file("out", IMPORTED "out\nprinted\n", 0640);
	run_with(p,
	    "[{'fd': 1, 'path': 'out', 'access': 'write', 'mode': 384},"
	    " {'fd': 2, 'path': 'err', 'access': 'append', 'mode': 511}]",
	    more);
	expect_file("out", IMPORTED "out\nprinted\n", 0640);
	expect_file("err", "err\nprinted, too\n", 0750);
	run_with(p, "[{'fd': 2, 'path': 'err', 'access': 'append'}]", more);
	expect_file("err", "err\nprinted, too\nerr\nprinted, too\n", 0750);
	/* As `>both 2>&1`. */
	run_with(p,
	    "[{'fd': 1, 'path': 'both', 'access': 'write'},"
	    " {'fd': 2, 'copy': 1}]",
	    more);
	expect_file("both", IMPORTED "out\nerr\nprinted, too\nprinted\n", 0640);
	unlink(path_of("out"));
	unlink(path_of("err"));
}

START_TEST(written)
{
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	opened(&p, "'start': 'warm'");
	opened(&p, "'start': 'cold'");
	peer_close(&p);
	live.baseline++; /* the cold zygote */
	live_stop();
}
END_TEST

START_TEST(isolated)
{
	struct peer p;

	live_start("[template.default]\nmode = \"isolated\"\n"
		   "path = [\"%s\"]\n");
	peer_open(&p);
	opened(&p, "'start': 'warm'");
	peer_close(&p);
	live_stop();
}
END_TEST

/* At any number, by any path, and no other descriptor is there after it. */
START_TEST(read_at)
{
	static const int fds[] = { 0, 3, 4, 510 };
	struct peer p;
	struct reply r;

	live_start(NULL);
	peer_open(&p);
	put("in", "hello\n");
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		ck_assert_int_eq(run(&p, &r,
				     "{'call': 'writes:reads', 'args': [%d],"
				     " 'files': [{'fd': %d, 'path': '%s'}]}",
				     fds[i], fds[i], path_of("in")),
		    0);
		written_text(&r, "result.0", "hello\n");
		ck_assert_uint_eq(at(&r, "result.1")->via.array.size,
		    fds[i] < 3 ? 3 : 4);
		reply_fini(&r);
	}
	peer_close(&p);
	live_stop();
}
END_TEST

/* Beside descriptors that are passed, and captured output. */
START_TEST(mixed)
{
	struct peer p;
	struct reply r;
	int pipefd[2];
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	ck_assert_int_eq(pipe(pipefd), 0);
	q = peer_send_fds(&p, "spawn", &pipefd[1], 1,
	    "{'call': 'writes:both', 'fds': [7],"
	    " 'files': [{'fd': 2, 'copy': 7}], 'capture': {'stderr': false}}");
	close(pipefd[1]);
	peer_response(&p, q, &r);
	q = int_at(&r, "id");
	reply_fini(&r);
	ck_assert_str_eq(read_text(pipefd[0], false), "err\nprinted, too\n");
	close(pipefd[0]);
	wait_end(&p, q, &r);
	written_text(&r, "output.stdout.data", IMPORTED "out\nprinted\n");
	reply_fini(&r);
	run(&p, &r,
	    "{'call': 'writes:both', 'files': [{'fd': 2, 'copy': 1}],"
	    " 'capture': {'stderr': false}}");
	written_text(&r, "output.stdout.data",
	    IMPORTED "out\nerr\nprinted, too\nprinted\n");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

static void
fails(struct peer *p, const char *file, const char *object, int number)
{
	struct reply r;
	uint32_t q = peer_send(p, "spawn", "{'code': '1', 'files': [%s]}",
	    file);

	peer_response(p, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "setup_failed");
	ck_assert_str_eq(str_at(&r, "step"), "files");
	ck_assert_str_eq(str_at(&r, "object"), object);
	ck_assert_int_eq(int_at(&r, "errno"), number);
	reply_fini(&r);
}

START_TEST(not_opened)
{
	struct peer p;

	live_start(NULL);
	peer_open(&p);
	fails(&p, "{'fd': 0, 'path': '/no/such'}", "/no/such", ENOENT);
	fails(&p, "{'fd': 1, 'path': '/', 'access': 'write'}", "/", EISDIR);
	fails(&p, "{'fd': 1, 'path': '/etc/passwd', 'access': 'new'}",
	    "/etc/passwd", EEXIST);
	fails(&p, "{'fd': 2, 'copy': 40}", "40", EBADF);
	peer_close(&p);
	live_stop();
}
END_TEST

START_TEST(wrong_params)
{
	static const struct {
		const char *key, *files;
	} cases[] = {
		{ "files", "{}" },
		{ "files[0]", "['out']" },
		{ "files[0].fd", "[{'path': 'x'}]" },
		{ "files[0].fd", "[{'fd': 511, 'path': 'x'}]" },
		{ "files[0].fd", "[{'fd': -1, 'path': 'x'}]" },
		{ "files[0].fd", "[{'fd': '1', 'path': 'x'}]" },
		{ "files[0]", "[{'fd': 1}]" },
		{ "files[0]", "[{'fd': 1, 'path': 'x', 'copy': 2}]" },
		{ "files[0]", "[{'fd': 1, 'path': ''}]" },
		{ "files[0].path", "[{'fd': 1, 'path': 7}]" },
		{ "files[0].path", "[{'fd': 1, 'path': x'410042'}]" },
		{ "files[0]", "[{'fd': 1, 'path': 'x', 'access': 'rw'}]" },
		{ "files[0].access", "[{'fd': 1, 'path': 'x', 'access': 1}]" },
		{ "files[0]", "[{'fd': 1, 'path': 'x', 'mode': 384}]" },
		{ "files[0].mode",
		    "[{'fd': 1, 'path': 'x', 'access': 'new', 'mode': 512}]" },
		{ "files[0].copy", "[{'fd': 1, 'copy': 511}]" },
		{ "files[0].copy", "[{'fd': 1, 'copy': 'out'}]" },
		{ "files[0]", "[{'fd': 1, 'copy': 1}]" },
		{ "files[0]", "[{'fd': 1, 'copy': 2, 'access': 'write'}]" },
		{ "files[0]", "[{'fd': 1, 'copy': 2, 'mode': 384}]" },
		{ "files[0].flags", "[{'fd': 1, 'path': 'x', 'flags': 1}]" },
		{ "files[1]",
		    "[{'fd': 1, 'path': 'x'}, {'fd': 1, 'copy': 2}]" },
		{ "capture", "[{'fd': 1, 'path': 'x'}], 'capture': {}" },
		{ "tty", "[{'fd': 1, 'path': 'x'}], 'tty': 1" },
	};
	char many[2048] = "", one[32];
	struct peer p;
	struct reply r;
	int in = 0;
	uint32_t q;

	live_start(NULL);
	peer_open(&p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		refused(&p, "invalid_params", cases[i].key, "spawn",
		    "{'code': '1', 'files': %s}", cases[i].files);
	for (int i = 0; i <= 64; i++) {
		snprintf(one, sizeof(one), "{'fd': %d, 'copy': 0},", i + 3);
		strcat(many, one);
	}
	many[strlen(many) - 1] = '\0';
	refused(&p, "limit", "files", "spawn", "{'code': '1', 'files': [%s]}",
	    many);
	q = peer_send_fds(&p, "spawn", &in, 1,
	    "{'code': '1', 'fds': [0], 'files': [{'fd': 0, 'path': 'x'}]}");
	peer_response(&p, q, &r);
	ck_assert_str_eq(str_at(&r, "code"), "invalid_params");
	ck_assert_str_eq(str_at(&r, "key"), "files[0]");
	reply_fini(&r);
	peer_close(&p);
	live_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { written, isolated, read_at, mixed,
		not_opened, wrong_params, NULL };

	return harness_main("files", tests);
}
