#include "daemon/zygote/doctor/audit.h"

#include <string.h>

#include "daemon/zygote/doctor/gate.h"
#include "daemon/zygote/doctor/lab.h"

static const char *const modes[] = { "legacy", "isolated", "legacy, promoted",
	"isolated, promoted", NULL };

static const char source[] =
    "import os\n"
    "pid = os.fork()\n"
    "if pid == 0:\n"
    "    os._exit(7)\n"
    "status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
    "assert status == 7, f'the forked process ended with {status}'\n"
    "print('a process forked by a child of the template lived and exited')\n";

static int
run_promoted(const struct setting *s, struct finding *f, struct err *e)
{
	struct lab l;
	bool lived;

	if (lab_start_template(&l, s, NULL, true, e) == -1 ||
	    lab_run_job(&l, source, &lived, f, e) == -1)
		return -1;
	f->yes = !lived;
	return 0;
}

static int
run(const struct setting *s, struct finding *f, struct err *e)
{
	struct gate g;

	if (strstr(s->mode, "promoted") != NULL)
		return run_promoted(s, f, e);
	if (gate_try(&g, s, e) == -1)
		return -1;
	f->yes = g.refused;
	finding_add(f, "the forked process %s", g.ended);
	if (g.said[0] != '\0')
		finding_add(f, "%s", g.said);
	return 0;
}

const struct experiment audit_fork_gate = {
	.name = "fork_gate",
	.about = "a fork kills the new process unless the main interpreter "
		 "forked",
	.modes = modes,
	.run = run,
};
