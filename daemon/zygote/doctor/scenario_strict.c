#include "daemon/zygote/doctor/scenario.h"

#include "daemon/zygote/doctor/lab.h"

static const char source[] = {
#embed "strict.py" suffix(, '\0')
};

static const char *const one_way[] = { "strict", NULL };

static int
run_strict(const struct setting *s, struct finding *f, struct err *e)
{
	return lab_look(s, source, "look", f, e);
}

const struct experiment scenario_strict_configuration = {
	.name = "strict_configuration",
	.about = "trio in an interpreter as concurrent.interpreters makes it, "
		 "which no template is",
	.expected = "trio's nursery and timer work; to_thread and run_process "
		    "are refused",
	.modes = one_way,
	.run = run_strict,
};
