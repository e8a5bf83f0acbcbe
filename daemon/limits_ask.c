#include "daemon/limits_ask.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/cgroup_limit.h"
#include "daemon/clients.h"
#include "daemon/limits_raise.h"
#include "daemon/pidfd.h"
#include "daemon/process.h"
#include "daemon/server.h"
#include "daemon/templates.h"

#define CPU_WEIGHT_DEFAULT 100 /* the kernel's */

/* What is known of the two processes. */
struct ask {
	const struct client *c;
	const struct server *srv;
	const struct limits *base; /* the template's */
	bool peer_rules[LIMITS];   /* he could go beyond any bound himself */
	bool child_rules[LIMITS];  /* ... and the child */
	rlim_t hard[RLIM_NLIMITS]; /* the peer's */
};

/* Whoever opened the connection, as he is now; and what a child of T may. */
static int
look(struct ask *a, const struct template *t, struct err *e)
{
	const struct client *c = a->c;
	bool there;
	int wanted;

	errno = 0;
	there = c->pid > 0 && c->pidfd != -1 &&
	    process_hard_limits(c->pid, a->hard);
	wanted = there ? 0 : errno;
	for (int i = 0; there && i < LIMITS; i++) {
		a->peer_rules[i] = c->account.uid == 0 &&
		    process_capable(c->pid, limits_capability(i));
		a->child_rules[i] = template_account(t, t->cfg) == NULL &&
		    limits_may_raise(a->srv, i);
	}
	/* What was read was his, as his number is not free yet. */
	if (there && !pidfd_exited(c->pidfd))
		return 0;
	if (wanted != 0)
		return err_sys(e, wanted, "look at process %d", (int)c->pid);
	return err_set(e, ERR_DENIED,
	    "process %d is over, or its limits cannot be read: a child can be "
	    "given none",
	    (int)c->pid);
}

static int
above(struct err *e, int resource, rlim_t value, rlim_t bound,
    const char *whose, int pid)
{
	char key[sizeof(e->key)], number[32] = "infinity", of[32] = "";

	snprintf(key, sizeof(key), "rlimits.%s", limit_resource_name(resource));
	if (value != RLIM_INFINITY)
		snprintf(number, sizeof(number), "%ju", (uintmax_t)value);
	if (pid != 0)
		snprintf(of, sizeof(of), " %d", pid);
	err_key(e, key, "\"%s\": %s is above %ju, the hard limit of %s%s", key,
	    number, (uintmax_t)bound, whose, of);
	e->code = ERR_DENIED;
	return -1;
}

static int
check_rlimit(const struct ask *a, int i, rlim_t v, struct err *e)
{
	bool templates = (a->base->rlimits & 1u << i) != 0;
	rlim_t most = limits_inherited(a->srv, i);

	if (!a->peer_rules[LIMIT_RLIMITS] && v > a->hard[i])
		return above(e, i, v, a->hard[i], "process", a->c->pid);
	if (!a->peer_rules[LIMIT_RLIMITS] && templates &&
	    v > a->base->rlimit[i].rlim_max)
		return above(e, i, v, a->base->rlimit[i].rlim_max,
		    "the template", 0);
	if (templates && a->base->rlimit[i].rlim_max > most)
		most = a->base->rlimit[i].rlim_max;
	if (!a->child_rules[LIMIT_RLIMITS] && v > most)
		return above(e, i, v, most, "the template's zygote", 0);
	return 0;
}

/* INHERITED: what a child has that is told nothing. */
static int
check_least(const struct ask *a, enum limit which, int asked, int templates,
    int inherited, struct err *e)
{
	int least = limits_have(a->base, which) ? templates : inherited;

	/* Its zygote has less where the template says so. */
	if (a->peer_rules[which] && inherited < least)
		least = inherited;
	if ((a->peer_rules[which] && a->child_rules[which]) || asked >= least)
		return 0;
	err_key(e, limit_name(which), "\"%s\": %d is below %d, the template's",
	    limit_name(which), asked, least);
	e->code = ERR_DENIED;
	return -1;
}

static int
check_group(const struct ask *a, enum group_limit which, uint64_t asked,
    struct err *e)
{
	const char *name = group_limit_name(which);
	uint64_t most = a->base->group.value[which];
	char one[24], other[24];

	if (most == 0)
		most = which == GROUP_CPU_WEIGHT ? CPU_WEIGHT_DEFAULT :
						   GROUP_INFINITY;
	/* The daemon gives it: it is nothing to the child what that may. */
	if (a->peer_rules[LIMIT_MEMORY_MAX + which] || asked <= most)
		return 0;
	err_key(e, name, "\"%s\": %s is above %s, the template's", name,
	    group_limit_word(asked, one), group_limit_word(most, other));
	e->code = ERR_DENIED;
	return -1;
}

/* For a child without a group: else that would be the way out of a template's
 * limits. */
static int
check_outside(const struct group_limits *l, struct err *e)
{
	for (int i = 0; i < GROUP_LIMITS; i++)
		if (l->value[i] != 0)
			return err_key(e, "contain",
			    "\"contain\" is false, but \"%s\" is the limit of "
			    "a control group",
			    group_limit_name(i));
	return 0;
}

int
limits_ask(const struct client *c, const struct template *t, struct spawn *s,
    struct err *e)
{
	struct limits *l = &s->limits;
	struct ask a = { .c = c, .srv = c->srv, .base = &t->cfg->limits };

	if (l->set != 0 && look(&a, t, e) == -1)
		return -1;
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if ((l->rlimits & 1u << i) != 0 &&
		    check_rlimit(&a, i, l->rlimit[i].rlim_max, e) == -1)
			return -1;
	if (limits_have(l, LIMIT_NICE) &&
	    check_least(&a, LIMIT_NICE, l->nice, a.base->nice,
		getpriority(PRIO_PROCESS, 0), e) == -1)
		return -1;
	if (limits_have(l, LIMIT_OOM_SCORE_ADJ) &&
	    check_least(&a, LIMIT_OOM_SCORE_ADJ, l->oom_score_adj,
		a.base->oom_score_adj, own_limits_oom(&c->srv->limits),
		e) == -1)
		return -1;
	for (int i = 0; i < GROUP_LIMITS; i++)
		if (l->group.value[i] != 0 &&
		    check_group(&a, i, l->group.value[i], e) == -1)
			return -1;
	/* Whether there are the template's its zygote was asked. */
	if (cgroup_limit_ready(c->srv->cgroups.base, &l->group, "", e) == -1)
		return -1;
	limits_add(l, a.base);
	return s->contain ? 0 : check_outside(&l->group, e);
}
