/*
 * What a line of the log is as an entry of journald, and how it gets there.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "tests/harness.h"
#include "tests/scratch.h"

static char path[64], entry[8192];
static int fd;

static void
listen_there(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 30 };

	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
			     sizeof(limit)),
	    0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

static void
end(void)
{
	close(fd);
	unlink(path);
}

static void
begin(void)
{
	fd = mkstemp(strcpy(path, scratch("journal")));
	ck_assert_int_ne(fd, -1);
	close(fd);
	unlink(path);
	listen_there();
	ck_assert_int_eq(journal_open(path), 0);
}

static const char *
received(void)
{
	ssize_t n = recv(fd, entry, sizeof(entry) - 1, 0);

	ck_assert_int_gt(n, 0);
	entry[n] = '\0';
	return entry;
}

static void
check_entry(const char *line, const char *fields)
{
	char expected[512];

	snprintf(expected, sizeof(expected),
	    "PRIORITY=4\nSYSLOG_IDENTIFIER=check_journal\n%sMESSAGE=%s\n",
	    fields, line);
	ck_assert_int_eq(journal_send(4, line), 0);
	ck_assert_str_eq(received(), expected);
}

START_TEST(keys_are_fields)
{
	begin();
	check_entry("child=7 pid=99 op=over status=0x100",
	    "FORKSERVERD_CHILD=7\nFORKSERVERD_PID=99\nFORKSERVERD_OP=over\n"
	    "FORKSERVERD_STATUS=0x100\n");
	check_entry("op=ready", "FORKSERVERD_OP=ready\n");
	check_entry("op=fail retry_ms=50: it died",
	    "FORKSERVERD_OP=fail\nFORKSERVERD_RETRY_MS=50\n");
	end();
}
END_TEST

/* What follows a colon or a word may be a peer's. */
START_TEST(text_makes_no_field)
{
	begin();
	check_entry("op=drop: x=1 child=9", "FORKSERVERD_OP=drop\n");
	check_entry("op=a refused: child=9", "FORKSERVERD_OP=a\n");
	check_entry("it is=so", "");
	check_entry("Upper=1 op=x", "");
	check_entry("=1", "");
	check_entry("", "");
	check_entry("op= child=2", "FORKSERVERD_OP=\nFORKSERVERD_CHILD=2\n");
	end();
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	char line[4096], buf[256];
	size_t n;

	memset(line, 'a', sizeof(line));
	memcpy(line, "op=x ", 5);
	line[sizeof(line) - 1] = '\0';
	n = journal_entry(buf, sizeof(buf), 6, line);
	ck_assert_uint_eq(n, sizeof(buf));
	buf[n - 1] = '\0';
	ck_assert_ptr_nonnull(strstr(buf, "FORKSERVERD_OP=x\nMESSAGE=op=x aa"));
	/* So many keys that there is no room for all. */
	for (size_t i = 0; i + 4 < sizeof(line); i += 4)
		memcpy(line + i, "a=b ", 4);
	n = journal_entry(buf, sizeof(buf), 6, line);
	ck_assert_uint_eq(n, sizeof(buf));
	buf[n - 1] = '\0';
	ck_assert_ptr_nonnull(strstr(buf, "\nMESSAGE=a=b a=b"));
}
END_TEST

START_TEST(a_journald_that_is_full_or_gone_blocks_nobody)
{
	int sent = 0;

	begin();
	while (journal_send(6, "op=x") == 0)
		sent++;
	ck_assert_int_gt(sent, 0);
	ck_assert_int_eq(errno, EAGAIN);
	end();
	ck_assert_int_eq(journal_send(6, "op=x"), -1);
	/* The next one is at the same place. */
	listen_there();
	check_entry("op=x", "FORKSERVERD_OP=x\n");
	end();
}
END_TEST

START_TEST(a_path_is_bounded)
{
	char line[200];

	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	ck_assert_int_eq(journal_open(line), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { keys_are_fields, text_makes_no_field,
		a_long_line_is_cut,
		a_journald_that_is_full_or_gone_blocks_nobody,
		a_path_is_bounded, NULL };

	return harness_main("journal", tests);
}
