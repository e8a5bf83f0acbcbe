#include "daemon/phases.h"

#include "daemon/children.h"

const char *const phase_names[PHASES] = { "queue_ns", "fork_ns", "adopt_ns",
	"setup_ns", "import_ns", "notice_ns", "total_ns" };

void
phases_of(const struct child *c, uint64_t ns[PHASES])
{
	const uint64_t at[PHASES - 1] = { c->at.ordered, c->at.forked,
		c->at.adopted, c->at.setup, c->at.started, c->at.noticed };
	uint64_t from = c->at.read;

	for (int i = 0; i < PHASES - 1; i++) {
		/* The child's own figures are not to be trusted. */
		uint64_t to = at[i] < from ? from :
		    at[i] > c->at.noticed  ? c->at.noticed :
					     at[i];

		ns[i] = to - from;
		from = to;
	}
	ns[PHASES - 1] = from - c->at.read;
}
