#include "daemon/zygote/become.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIXED 4 /* arguments before the groups */

static bool
number(const char *s, unsigned *out)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(s, &end, 10);
	*out = v;
	return s[0] >= '0' && s[0] <= '9' && *end == '\0' && errno == 0 &&
	    v < UINT32_MAX;
}

static int
fail(const char *what)
{
	fprintf(stderr, "forkserver-zygote: %s: %s\n", what, strerror(errno));
	return -1;
}

/* What no program that the user starts can gain back, setuid ones included. */
static int
drop_bounding(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) != -1; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) == -1)
			return fail("drop a capability");
	/* EINVAL: the kernel is older than these. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		return fail("drop the ambient capabilities");
	return 0;
}

static int
drop_capabilities(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capset, &h, none) == -1)
		return fail("give up the capabilities");
	return 0;
}

static int
take(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	uid_t r, e, s;

	if (setgroups(n, groups) == -1)
		return fail("take the user's groups");
	if (setresgid(gid, gid, gid) == -1)
		return fail("take the user's group");
	if (drop_bounding() == -1)
		return -1;
	if (setresuid(uid, uid, uid) == -1)
		return fail("become the user");
	if (drop_capabilities() == -1)
		return -1;
	/* It must not have worked in part. */
	if (getresuid(&r, &e, &s) == -1 || r != uid || e != uid || s != uid ||
	    setresuid(0, 0, 0) != -1) {
		errno = EPERM;
		return fail("be the user, and nobody else");
	}
	return 0;
}

/* The daemon's log, or whoever reads its terminal, is not the user's to write
 * to, nor to read from.  *ERR: it, until the exec. */
static int
silence(int *err)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	*err = fcntl(2, F_DUPFD_CLOEXEC, 10);
	if (null == -1 || *err == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 2) == -1)
		return fail("redirect the output");
	return 0;
}

int
become_main(int argc, char **argv)
{
	unsigned uid, gid;
	static gid_t *groups; /* until the exec */
	size_t n = 0;
	char *again[] = { argv[0], NULL };
	int err;

	groups = calloc(argc, sizeof(*groups));
	if (groups == NULL || argc < FIXED || !number(argv[2], &uid) ||
	    !number(argv[3], &gid) || uid == 0)
		return 2;
	for (int i = FIXED; i < argc; i++)
		if (!number(argv[i], &groups[n++]))
			return 2;
	if (take(uid, gid, groups, n) == -1)
		return 1;
	if (silence(&err) == -1)
		return 1;
	execv(argv[0], again);
	dup2(err, 2);
	fail(argv[0]);
	return 127;
}
