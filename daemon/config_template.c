#include "daemon/config_template.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_keys.h"

struct config_template *
config_template_new(const char *name, size_t n)
{
	struct config_template *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->users = 1;
	t->name = strndup(name, n);
	if (t->name != NULL)
		return t;
	free(t);
	return NULL;
}

const struct config_template *
config_template_use(const struct config_template *t)
{
	((struct config_template *)t)->users++;
	return t;
}

void
config_template_drop(const struct config_template *shared)
{
	struct config_template *t = (struct config_template *)shared;

	if (t == NULL || --t->users > 0)
		return;
	for (const struct config_key *k = config_template_keys; k->name != NULL;
	    k++)
		config_value_fini(k, t);
	account_fini(&t->account);
	free(t->name);
	free(t);
}

int
config_template_finish(struct config_template *t, struct err *e)
{
	if (t->user[0] == '\0') {
		t->whose = WHOSE_DAEMON;
		return 0;
	}
	if (strcmp(t->user, "peer") == 0) {
		/* Where nobody else is served that is the daemon's own. */
		t->whose = geteuid() == 0 ? WHOSE_PEER : WHOSE_DAEMON;
		return 0;
	}
	t->whose = WHOSE_NAMED;
	account_fini(&t->account);
	if (account_of_user(&t->account, t->user, e) == 0)
		return 0;
	return err_wrap(e, "template.%s.user", t->name);
}
