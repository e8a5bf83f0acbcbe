#include "daemon/zygote/doctor/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/zygote/doctor/primitive.h"
#include "proto/pack.h"
#include "proto/spawn.h"
#include "proto/stream.h"

#define STACK (8u << 20)
#define GRACE_NS UINT64_C(1000000000)
#define MAX_MESSAGES (1 << 20)

bool
lab_isolated(const char *mode)
{
	return strncmp(mode, "isolated", strlen("isolated")) == 0;
}

void
lab_show_traceback(const struct lab *l)
{
	const char *traceback = l->work.template.preload.traceback;

	if (traceback != NULL)
		fputs(traceback, stderr);
}

/* The folders of PATH become l->path. */
static int
split_path(struct lab *l, const char *path, struct err *e)
{
	char *rest = path != NULL ? strdup(path) : NULL;
	size_t n = 0;

	if (path != NULL && rest == NULL)
		return err_memory(e, "a path");
	while (rest != NULL && n < LAB_FOLDERS_MAX)
		l->path[n++] = strsep(&rest, ":");
	l->path[n] = NULL;
	return rest == NULL ?
	    0 :
	    err_set(e, ERR_INVALID_PARAMS, "more than %d folders: %s",
		LAB_FOLDERS_MAX, path);
}

static int
start(struct lab *l, const struct setting *s, struct err *e)
{
	struct conf *c = &l->work.conf;

	signal(SIGPIPE, SIG_IGN); /* as zygote.c has it */
	if (split_path(l, s->path, e) == -1)
		return -1;
	c->template = (char *)"doctor";
	c->preload = l->preload;
	c->path = l->path;
	c->prime = c->after_fork = c->allow = c->env = l->none;
	c->mode = lab_isolated(s->mode) ? CONF_ISOLATED : CONF_LEGACY;
	l->work.daemon_fd = -1;
	l->work.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (l->work.null_fd == -1)
		return err_sys(e, errno, "open \"/dev/null\"");
	if (handover_start(&l->handover, STACK, e) == -1)
		return -1;
	handover_call(&l->handover, work_make, &l->work);
	if (!l->work.failed)
		return 0;
	*e = l->work.err;
	lab_show_traceback(l);
	return -1;
}

int
lab_start(struct lab *l, const struct setting *s, struct err *e)
{
	*l = (struct lab){ .work.conf.cold = true,
		.preload = { (char *)s->module } };
	l->work.conf.promote = strstr(s->mode, "promoted") != NULL;
	return start(l, s, e);
}

int
lab_start_template(struct lab *l, const struct setting *s, const char *module,
    bool promote, struct err *e)
{
	const struct template *t = &l->work.template;

	*l = (struct lab){ .preload = { (char *)module } };
	l->work.conf.promote = promote;
	if (start(l, s, e) == -1)
		return -1;
	if (!t->adoptable || t->promote != promote)
		return err_set(e, ERR_TEMPLATE_FAILED, "%s", t->reason);
	return 0;
}

void
lab_in_worker(struct lab *l, void (*fn)(void *), void *arg)
{
	handover_call(&l->handover, fn, arg);
}

/* --- Python --------------------------------------------------------------- */

struct look {
	const struct setting *setting;
	const char *source, *fn;
	struct finding *f;
	struct err *e;
	int result;
};

/* R: (bool, str) */
static int
take_seen(PyObject *r, struct finding *f)
{
	const char *text;
	int yes;

	if (!PyArg_ParseTuple(r, "ps", &yes, &text))
		return -1;
	f->yes = yes != 0;
	finding_add(f, "%s", text);
	return 0;
}

/* PATH, in front of sys.path too where it is not None; a new reference. */
static PyObject *
use_path(const char *path)
{
	PyObject *list = PySys_GetObject("path"), *p;

	if (path == NULL)
		Py_RETURN_NONE;
	p = PyUnicode_DecodeFSDefault(path);
	if (p != NULL && PyList_Insert(list, 0, p) == -1)
		Py_CLEAR(p);
	return p;
}

static void
look(void *arg)
{
	struct look *k = arg;
	PyObject *names = primitive_run(k->source, k->e), *path, *r = NULL;

	k->result = -1;
	if (names == NULL)
		return;
	path = use_path(k->setting->path);
	if (path != NULL)
		r = PyObject_CallFunction(PyDict_GetItemString(names, k->fn),
		    "sN", k->setting->mode, path);
	if (r != NULL)
		k->result = take_seen(r, k->f);
	if (k->result == -1)
		primitive_failed(k->e);
	Py_XDECREF(r);
	Py_DECREF(names);
}

int
lab_look(const struct setting *s, const char *source, const char *fn,
    struct finding *f, struct err *e)
{
	struct look k = { s, source, fn, f, e, -1 };
	static struct lab l;

	if (lab_start(&l, s, e) == -1)
		return -1;
	lab_in_worker(&l, look, &k);
	return k.result;
}

/* --- a job ---------------------------------------------------------------- */

static int
send_job(struct stream *st, const char *code, int out, struct err *e)
{
	const struct spawn job = {
		.id = 1,
		.grace_ns = GRACE_NS,
		.entry = SPAWN_CODE,
		.target = { code, strlen(code) },
		.cwd = { "/", 1 },
		.umask = -1,
		.fds = { 1, 2 },
		.nfds = 2,
		.tty = -1,
	};
	struct msg_out o;

	msg_out_init(&o);
	msg_begin_request(&o, 1, "job");
	spawn_pack_job(&job, &o.pk);
	if (msg_out_fd(&o, dup(out)) == -1 ||
	    msg_out_fd(&o, dup(STDERR_FILENO)) == -1)
		return err_memory(e, "a job");
	return stream_put(st, &o, e);
}

/* Reads the child's messages to their end.  Its refusal goes to F. */
static int
hear(struct stream *st, struct finding *f, struct err *e)
{
	enum stream_fill got;
	struct err said;
	struct msg m;
	int r;

	do {
		got = stream_fill(st, e);
		while ((r = stream_next(st, &m, e)) == 1) {
			if (m.type == MSG_RESPONSE &&
			    m.error.type != MSGPACK_OBJECT_NIL) {
				msg_read_error(&m.error, &said);
				finding_add(f, "%s", said.msg);
			}
			msg_fini(&m);
		}
		if (r == -1)
			return -1;
	} while (got == STREAM_GOT);
	return got == STREAM_BAD ? -1 : 0;
}

static void
add_printed(struct finding *f, int out)
{
	char text[sizeof(f->text)];
	ssize_t n = pread(out, text, sizeof(text) - 1, 0);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0)
		finding_add(f, "%.*s", (int)n, text);
}

int
lab_run_job(struct lab *l, const char *code, bool *code_ok, struct finding *f,
    struct err *e)
{
	struct stream st;
	int sv[2], out, r;
	char how[64];

	out = memfd_create("doctor", MFD_CLOEXEC);
	if (out == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		return err_sys(e, errno, "make a child's descriptors");
	stream_init(&st, sv[0], &frame_limits_default, MAX_MESSAGES);
	l->work.kind = CHILD_JOB;
	l->work.control = sv[1];
	handover_call(&l->handover, work_fork, &l->work);
	close(sv[1]);
	if (l->work.pid == -1) {
		*e = l->work.err;
		return -1;
	}
	r = send_job(&st, code, out, e);
	if (r == 0)
		r = hear(&st, f, e);
	stream_fini(&st);
	*code_ok = wait_for_child(l->work.pid, (struct ending){ .code = 0 },
	    how, sizeof(how));
	add_printed(f, out);
	if (!*code_ok)
		finding_add(f, "the child %s", how);
	close(out);
	return r;
}
