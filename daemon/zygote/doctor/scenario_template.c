#include "daemon/zygote/doctor/scenario.h"

#include "daemon/zygote/doctor/lab.h"

static const char adopted_source[] = {
#embed "adopted.py" suffix(, '\0')
};
static const char promoted_source[] = {
#embed "promoted.py" suffix(, '\0')
};

static const char *const both[] = { "legacy", "isolated", NULL };

static int
run_job(const struct setting *s, bool promote, const char *code,
    struct finding *f, struct err *e)
{
	struct lab l;

	if (lab_start_template(&l, s, "trio", promote, e) == -1)
		return -1;
	return lab_run_job(&l, code, &f->yes, f, e);
}

static int
run_adopted(const struct setting *s, struct finding *f, struct err *e)
{
	return run_job(s, false, adopted_source, f, e);
}

const struct experiment scenario_adopted_template = {
	.name = "adopted_template",
	.about = "a child of a warmed template that adopts it, not promoted",
	.expected = "trio, its threads and subprocesses work; signal.signal "
		    "and os.fork are refused with an exception",
	.modes = both,
	.run = run_adopted,
};

static int
run_promoted(const struct setting *s, struct finding *f, struct err *e)
{
	return run_job(s, true, promoted_source, f, e);
}

const struct experiment scenario_promoted_template = {
	.name = "promoted_template",
	.about = "a child of a warmed template that adopts it and is promoted, "
		 "as shipped",
	.expected = "signal handlers, KeyboardInterrupt in trio, "
		    "trio.open_signal_receiver and os.fork work",
	.modes = both,
	.run = run_promoted,
};
