/*
 * method_dump: dump: a look into a child that may hang.
 */
#include "daemon/children.h"
#include "daemon/dispatch.h"
#include "daemon/dump.h"
#include "proto/map.h"

int
method_dump(struct request *rq, struct err *e)
{
	struct map m;
	struct child *c = request_child(rq, &m, e);
	uint64_t timeout = DUMP_DEFAULT_NS;

	if (c == NULL)
		return -1;
	if (map_uint(&m, "timeout_ns", MAP_OPTIONAL, DUMP_MAX_NS, &timeout) ==
	    -1)
		return -1;
	if (timeout == 0)
		return err_key(e, "timeout_ns", "\"timeout_ns\" is 0");
	if (map_end(&m) == -1)
		return -1;
	if (c->state == CHILD_ENDED)
		return err_set(e, ERR_NOT_RUNNING, "child %ju has ended",
		    (uintmax_t)c->id);
	if (c->pid == 0)
		return err_set(e, ERR_BUSY, "child %ju is not forked yet",
		    (uintmax_t)c->id);
	return dump_begin(c, rq, timeout, e);
}
