#include "daemon/zygote/tell.h"

#include <fcntl.h>
#include <string.h>

#include "proto/pack.h"

void
tell_refused(struct msg_out *o, uint32_t msgid, const struct err *e)
{
	msg_out_init(o);
	msg_error(o, msgid, e);
}

void
tell_failed(struct msg_out *o, uint32_t msgid, const struct template *t,
    const struct err *e)
{
	struct pack_map m;

	msg_out_init(o);
	msg_begin_error(o, msgid);
	pack_map_begin(&o->pk, &m);
	pack_kv_str(&o->pk, &m, "code", err_name(ERR_TEMPLATE_FAILED));
	pack_kv_text(&o->pk, &m, "message", e->msg);
	if (t->preload.failed_module != NULL)
		pack_kv_text(&o->pk, &m, "module", t->preload.failed_module);
	if (t->preload.traceback != NULL && t->preload.traceback[0] != '\0')
		pack_kv_text(&o->pk, &m, "traceback", t->preload.traceback);
	pack_map_end(&m);
}

void
tell_ready(struct msg_out *o, uint32_t msgid, const struct template *t,
    const char *python, const char *way)
{
	const struct preload *p = &t->preload;
	struct pack_map m, im;

	msg_out_init(o);
	msg_begin_result(o, msgid);
	pack_map_begin(&o->pk, &m);
	pack_kv_str(&o->pk, &m, "python", python);
	pack_kv_str(&o->pk, &m, "way", way);
	if (t->reason[0] != '\0')
		pack_kv_text(&o->pk, &m, "reason", t->reason);
	pack_key(&o->pk, &m, "preload");
	msgpack_pack_array(&o->pk, p->n);
	for (unsigned i = 0; i < p->n; i++) {
		pack_map_begin(&o->pk, &im);
		pack_kv_text(&o->pk, &im, "module", p->modules[i].name);
		pack_kv_uint(&o->pk, &im, "import_ns", p->modules[i].ns);
		pack_kv_uint(&o->pk, &im, "private_kb",
		    p->modules[i].private_kb);
		pack_map_end(&im);
	}
	pack_key(&o->pk, &m, "warnings");
	msgpack_pack_array(&o->pk, p->audit.nwarnings);
	for (unsigned i = 0; i < p->audit.nwarnings; i++)
		pack_text(&o->pk, p->audit.warnings[i],
		    strlen(p->audit.warnings[i]));
	pack_map_end(&m);
}

void
tell_here(struct msg_out *o, uint32_t msgid)
{
	struct pack_map m;

	msg_out_init(o);
	msg_begin_result(o, msgid);
	pack_map_begin(&o->pk, &m);
	pack_map_end(&m);
}

int
tell_forked(struct msg_out *o, uint64_t order, pid_t pid, uint64_t time_ns,
    int pidfd)
{
	int fd = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
	struct pack_map m;

	msg_out_init(o);
	msg_begin_notify(o, "forked");
	pack_map_begin(&o->pk, &m);
	pack_kv_uint(&o->pk, &m, "order", order);
	pack_kv_uint(&o->pk, &m, "pid", pid);
	pack_kv_uint(&o->pk, &m, "time_ns", time_ns);
	pack_map_end(&m);
	if (fd != -1 && msg_out_fd(o, fd) == 0)
		return 0;
	msg_out_fini(o);
	return -1;
}

void
tell_fork_failed(struct msg_out *o, uint64_t order, const struct err *e)
{
	struct pack_map m;

	msg_out_init(o);
	msg_begin_notify(o, "fork_failed");
	pack_map_begin(&o->pk, &m);
	pack_kv_uint(&o->pk, &m, "order", order);
	pack_kv_int(&o->pk, &m, "errno", e->sys);
	pack_kv_text(&o->pk, &m, "message", e->msg);
	pack_map_end(&m);
}

static uint64_t
ns_of(struct timeval tv)
{
	return tv.tv_sec * UINT64_C(1000000000) + tv.tv_usec * 1000;
}

void
tell_reaped(struct msg_out *o, uint64_t order, pid_t pid, int status,
    const struct rusage *ru)
{
	struct pack_map m;

	msg_out_init(o);
	msg_begin_notify(o, "reaped");
	pack_map_begin(&o->pk, &m);
	pack_kv_uint(&o->pk, &m, "order", order);
	pack_kv_uint(&o->pk, &m, "pid", pid);
	pack_kv_int(&o->pk, &m, "status", status);
	pack_kv_uint(&o->pk, &m, "utime_ns", ns_of(ru->ru_utime));
	pack_kv_uint(&o->pk, &m, "stime_ns", ns_of(ru->ru_stime));
	pack_kv_uint(&o->pk, &m, "maxrss_kb", ru->ru_maxrss);
	pack_kv_uint(&o->pk, &m, "minflt", ru->ru_minflt);
	pack_kv_uint(&o->pk, &m, "majflt", ru->ru_majflt);
	pack_map_end(&m);
}

void
tell_stale(struct msg_out *o, const char *path)
{
	struct pack_map m;

	msg_out_init(o);
	msg_begin_notify(o, "stale");
	pack_map_begin(&o->pk, &m);
	pack_kv_text(&o->pk, &m, "path", path);
	pack_map_end(&m);
}
