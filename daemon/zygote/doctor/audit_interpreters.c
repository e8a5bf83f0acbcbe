#include "daemon/zygote/doctor/audit.h"

#include "daemon/zygote/doctor/lab.h"

static const char starvation_source[] = {
#embed "starvation.py" suffix(, '\0')
};
static const char destroy_source[] = {
#embed "destroy.py" suffix(, '\0')
};

static const char *const both[] = { "legacy", "isolated", NULL };

static int
run_starvation(const struct setting *s, struct finding *f, struct err *e)
{
	return lab_look(s, starvation_source, "look", f, e);
}

const struct experiment audit_gil_starvation = {
	.name = "gil_starvation",
	.about = "a thread abandoned in a subinterpreter starves trio's loop",
	.modes = both,
	.run = run_starvation,
};

static int
run_recycled(const struct setting *s, struct finding *f, struct err *e)
{
	return lab_look(s, destroy_source, "destroy_recycled", f, e);
}

const struct experiment audit_destroy_recycled = {
	.name = "destroy_recycled",
	.about = "destroying a subinterpreter blocks or crashes when a "
		 "recycled thread has been in it",
	.modes = both,
	.limit_s = 30,
	.death_answers = true,
	.run = run_recycled,
};

static int
run_entered(const struct setting *s, struct finding *f, struct err *e)
{
	return lab_look(s, destroy_source, "destroy_entered", f, e);
}

const struct experiment audit_destroy_entered = {
	.name = "destroy_entered",
	.about = "destroying a subinterpreter blocks or crashes when threads "
		 "enter it meanwhile",
	.modes = both,
	.limit_s = 10,
	.death_answers = true,
	.run = run_entered,
};
