#include "daemon/zygote/doctor/experiment.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/zygote/doctor/audit.h"
#include "daemon/zygote/doctor/scenario.h"

const struct experiment *const scenarios[] = {
	&scenario_control_subint_thread_fork,
	&scenario_main_thread_fork,
	&scenario_worker_thread_fork,
	&scenario_full_architecture,
	&scenario_adopted_template,
	&scenario_promoted_template,
	&scenario_strict_configuration,
	NULL,
};

const struct experiment *const audits[] = {
	&audit_gil_starvation,
	&audit_destroy_recycled,
	&audit_destroy_entered,
	&audit_fork_gate,
	NULL,
};

const struct experiment *
experiment_find(const struct experiment *const *table, const char *name)
{
	for (; *table != NULL; table++)
		if (strcmp((*table)->name, name) == 0)
			return *table;
	return NULL;
}

void
finding_add(struct finding *f, const char *fmt, ...)
{
	size_t n = strlen(f->text);
	va_list ap;

	if (n > 0 && n + 1 < sizeof(f->text)) {
		f->text[n++] = '\n';
		f->text[n] = '\0';
	}
	va_start(ap, fmt);
	vsnprintf(f->text + n, sizeof(f->text) - n, fmt, ap);
	va_end(ap);
}
