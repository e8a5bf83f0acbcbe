#include "daemon/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

static int
by_number(const void *a, const void *b)
{
	const gid_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* In whatever order and however often they were told. */
static void
tidy(struct account *a)
{
	size_t n = 0;

	if (a->ngroups == 0)
		return;
	qsort(a->groups, a->ngroups, sizeof(*a->groups), by_number);
	for (size_t i = 0; i < a->ngroups; i++)
		if (n == 0 || a->groups[n - 1] != a->groups[i])
			a->groups[n++] = a->groups[i];
	a->ngroups = n;
}

static int
no_memory(struct err *e)
{
	err_memory(e, "a user's groups");
	return -1;
}

/* Room for N groups. */
static int
make_room(struct account *a, size_t n, struct err *e)
{
	gid_t *groups = reallocarray(a->groups, n > 0 ? n : 1, sizeof(*groups));

	if (groups == NULL)
		return no_memory(e);
	a->groups = groups;
	return 0;
}

int
account_own(struct account *a, struct err *e)
{
	int n = getgroups(0, NULL);

	*a = (struct account){ .uid = geteuid(), .gid = getegid() };
	if (n == -1)
		return err_sys(e, errno, "ask for the own groups");
	if (make_room(a, n, e) == -1)
		return -1;
	n = getgroups(n, a->groups);
	a->ngroups = n > 0 ? n : 0;
	tidy(a);
	return 0;
}

int
account_of_peer(struct account *a, int fd, struct err *e)
{
	struct ucred cred = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t n = sizeof(cred);
	gid_t none;

	*a = (struct account){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1)
		return 0;
	a->uid = cred.uid;
	a->gid = cred.gid;
	n = 0;
	/* The first question is how many there are. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, &none, &n) == 0)
		return 0;
	if (errno != ERANGE)
		return err_sys(e, errno, "ask for the groups of a peer");
	if (make_room(a, n / sizeof(gid_t), e) == -1)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, a->groups, &n) == -1)
		return err_sys(e, errno, "ask for the groups of a peer");
	a->ngroups = n / sizeof(gid_t);
	tidy(a);
	return 0;
}

/* Whether S is a number, which is then in *OUT.  The largest is nobody's. */
static bool
is_number(const char *s, unsigned *out)
{
	unsigned long v;
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return false;
	errno = 0;
	v = strtoul(s, &end, 10);
	*out = v;
	return *end == '\0' && errno == 0 && v < UINT32_MAX;
}

static const struct passwd *
find_user(const char *name)
{
	unsigned uid;

	return is_number(name, &uid) ? getpwuid(uid) : getpwnam(name);
}

int
account_uid(const char *name, uid_t *uid, struct err *e)
{
	const struct passwd *pw;

	if (is_number(name, uid))
		return 0;
	pw = getpwnam(name);
	if (pw == NULL)
		return err_set(e, ERR_INVALID_PARAMS, "no user \"%s\"", name);
	*uid = pw->pw_uid;
	return 0;
}

int
account_gid(const char *name, gid_t *gid, struct err *e)
{
	const struct group *gr;

	if (is_number(name, gid))
		return 0;
	gr = getgrnam(name);
	if (gr == NULL)
		return err_set(e, ERR_INVALID_PARAMS, "no group \"%s\"", name);
	*gid = gr->gr_gid;
	return 0;
}

int
account_of_user(struct account *a, const char *name, struct err *e)
{
	const struct passwd *pw = find_user(name);
	int room = 32, n = 32;

	*a = (struct account){ 0 };
	if (pw == NULL)
		return err_set(e, ERR_INVALID_PARAMS, "no user \"%s\"", name);
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	if (make_room(a, room, e) == -1)
		return -1;
	while (getgrouplist(pw->pw_name, a->gid, a->groups, &n) == -1) {
		room = n > room ? n : room * 2;
		n = room;
		if (room > GROUPS_MAX)
			return err_set(e, ERR_SYSTEM,
			    "user \"%s\" has more than %d groups", name,
			    GROUPS_MAX);
		if (make_room(a, room, e) == -1)
			return -1;
	}
	a->ngroups = n;
	tidy(a);
	return 0;
}

int
account_copy(struct account *to, const struct account *from, struct err *e)
{
	*to = (struct account){ .uid = from->uid, .gid = from->gid };
	if (make_room(to, from->ngroups, e) == -1)
		return -1;
	to->ngroups = from->ngroups;
	if (from->ngroups > 0)
		memcpy(to->groups, from->groups,
		    from->ngroups * sizeof(*to->groups));
	return 0;
}

void
account_fini(struct account *a)
{
	free(a->groups);
	a->groups = NULL;
	a->ngroups = 0;
}

bool
account_eq(const struct account *a, const struct account *b)
{
	return a->uid == b->uid && a->gid == b->gid &&
	    a->ngroups == b->ngroups &&
	    (a->ngroups == 0 ||
		memcmp(a->groups, b->groups, a->ngroups * sizeof(*a->groups)) ==
		    0);
}

bool
account_in_group(const struct account *a, gid_t gid)
{
	return a->gid == gid ||
	    (a->ngroups > 0 &&
		bsearch(&gid, a->groups, a->ngroups, sizeof(gid), by_number) !=
		    NULL);
}
