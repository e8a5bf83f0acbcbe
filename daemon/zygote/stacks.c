#include "daemon/zygote/stacks.h"

#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/zygote/cpython.h"

#define MAX_THREADS 100
#define MAX_FRAMES 100 /* of one thread, innermost first */
#define MAX_CHARS 200  /* of a name */
#define MAX_TABLE (1 << 20)
#define CODE_UNIT 2 /* bytes of an instruction */

static uintptr_t threads_at;

void
stacks_init(PyInterpreterState *interp)
{
	threads_at = interp != NULL ? cpython_threads_at(interp) : 0;
}

static bool
copy(uintptr_t from, void *to, size_t n)
{
	struct iovec local = { to, n }, remote = { (void *)from, n };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) ==
	    (ssize_t)n;
}

struct text {
	char *p;
	size_t n, max;
};

static void
put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (n > t->max - t->n)
		n = t->max - t->n;
	memcpy(t->p + t->n, s, n);
	t->n += n;
}

static void
put_uint(struct text *t, unsigned long v)
{
	char s[24], *p = s + sizeof(s);

	*--p = '\0';
	do
		*--p = '0' + v % 10;
	while ((v /= 10) != 0);
	put(t, p);
}

/* A code point, '?' for what would act on a terminal or is none. */
static void
put_char(struct text *t, uint32_t c)
{
	char s[5] = { 0 };

	if (c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	    (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
		s[0] = '?';
	} else if (c < 0x80) {
		s[0] = c;
	} else if (c < 0x800) {
		s[0] = 0xc0 | c >> 6;
		s[1] = 0x80 | (c & 0x3f);
	} else if (c < 0x10000) {
		s[0] = 0xe0 | c >> 12;
		s[1] = 0x80 | (c >> 6 & 0x3f);
		s[2] = 0x80 | (c & 0x3f);
	} else {
		s[0] = 0xf0 | c >> 18;
		s[1] = 0x80 | (c >> 12 & 0x3f);
		s[2] = 0x80 | (c >> 6 & 0x3f);
		s[3] = 0x80 | (c & 0x3f);
	}
	if (strlen(s) <= t->max - t->n)
		put(t, s);
}

/* The str at AT. */
static void
put_str(struct text *t, uintptr_t at)
{
	union {
		uint8_t one[4 * MAX_CHARS];
		uint16_t two[2 * MAX_CHARS];
		uint32_t four[MAX_CHARS];
	} data;
	PyASCIIObject s;
	size_t n;

	if (!copy(at, &s, sizeof(s)) || !s.state.compact || s.length < 0 ||
	    (s.state.kind != 1 && s.state.kind != 2 && s.state.kind != 4)) {
		put(t, "?");
		return;
	}
	n = s.length < MAX_CHARS ? s.length : MAX_CHARS;
	at += s.state.ascii ? sizeof(s) : sizeof(PyCompactUnicodeObject);
	/* The end of a long path says more than its beginning. */
	at += (s.length - n) * s.state.kind;
	if (!copy(at, &data, n * s.state.kind)) {
		put(t, "?");
		return;
	}
	for (size_t i = 0; i < n; i++)
		put_char(t,
		    s.state.kind == 1     ? data.one[i] :
			s.state.kind == 2 ? data.two[i] :
					    data.four[i]);
}

/* Bytes of a table that is read piece by piece. */
struct table {
	uintptr_t at;
	size_t left, n, i;
	uint8_t piece[256];
};

static int
peek_byte(struct table *b)
{
	if (b->i == b->n) {
		b->n = b->left < sizeof(b->piece) ? b->left : sizeof(b->piece);
		b->i = 0;
		if (b->n == 0 || !copy(b->at, b->piece, b->n)) {
			b->n = b->left = 0;
			return -1;
		}
		b->at += b->n;
		b->left -= b->n;
	}
	return b->piece[b->i];
}

/* As the location table has it: six bits a byte, the lowest first, the sign in
 * the lowest bit of all. */
static int
read_svarint(struct table *b)
{
	unsigned v = 0;
	int c;

	for (unsigned shift = 0; shift < 32; shift += 6) {
		c = peek_byte(b);
		if (c == -1)
			return 0;
		b->i++;
		v |= (unsigned)(c & 0x3f) << shift;
		if ((c & 0x40) == 0)
			break;
	}
	return (v & 1) != 0 ? -(int)(v >> 1) : (int)(v >> 1);
}

/* The line of the instruction OFFSET bytes into CODE, 0: not known
 * (Objects/locations.md of CPython has the table's form). */
static int
line_of(const PyCodeObject *code, uintptr_t offset)
{
	uintptr_t table = (uintptr_t)code->co_linetable, end = 0;
	PyBytesObject head;
	struct table b = { .at = table + offsetof(PyBytesObject, ob_sval) };
	int line = code->co_firstlineno, c;

	if (!copy(table, &head, offsetof(PyBytesObject, ob_sval)) ||
	    Py_SIZE(&head) < 0 || Py_SIZE(&head) > MAX_TABLE)
		return 0;
	b.left = Py_SIZE(&head);
	while ((c = peek_byte(&b)) != -1) {
		int kind = c >> 3 & 15;

		b.i++;
		end += ((c & 7) + 1) * CODE_UNIT;
		if (kind == 13 || kind == 14)
			line += read_svarint(&b);
		else if (kind >= 10 && kind <= 12)
			line += kind - 10;
		if (offset < end)
			return kind == 15 ? 0 : line;
		/* The next entry begins with the next high bit. */
		while ((c = peek_byte(&b)) != -1 && (c & 0x80) == 0)
			b.i++;
	}
	return 0;
}

static void
put_frame(struct text *t, const struct cpython_frame *f)
{
	PyCodeObject code;
	int line = 0;

	put(t, "  File \"");
	if (!copy(f->code, &code, offsetof(PyCodeObject, co_code_adaptive)) ||
	    code.ob_base.ob_base.ob_type != &PyCode_Type) {
		put(t, "?\"\n");
		return;
	}
	put_str(t, (uintptr_t)code.co_filename);
	put(t, "\", line ");
	line = line_of(&code,
	    f->at - f->code - offsetof(PyCodeObject, co_code_adaptive));
	if (line > 0)
		put_uint(t, line);
	else
		put(t, "?");
	put(t, ", in ");
	put_str(t, (uintptr_t)code.co_qualname);
	put(t, "\n");
}

static void
put_thread(struct text *t, const PyThreadState *ts)
{
	uintptr_t at = (uintptr_t)ts->current_frame;
	uint8_t raw[CPYTHON_FRAME_BYTES];
	struct cpython_frame f;
	unsigned n = 0, steps = 0;

	put(t, "Thread ");
	put_uint(t, ts->native_thread_id);
	if (ts->native_thread_id == (unsigned long)getpid())
		put(t, ", the main one");
	if (ts->holds_gil)
		put(t, ", holds the GIL");
	put(t, " (most recent call first):\n");
	/* Stale memory may go in a circle. */
	while (at != 0 && steps++ < 10 * MAX_FRAMES &&
	    copy(at, raw, sizeof(raw))) {
		cpython_frame(raw, &f);
		if (f.code != 0 && n++ == MAX_FRAMES) {
			put(t, "  ...\n");
			break;
		}
		if (f.code != 0)
			put_frame(t, &f);
		at = f.previous;
	}
	if (n == 0)
		put(t, "  no Python frame\n");
}

size_t
stacks_write(char *buf, size_t max)
{
	struct text t = { .p = buf, .max = max };
	uintptr_t at = 0;
	PyThreadState ts;

	if (threads_at == 0 || !copy(threads_at, &at, sizeof(at)))
		return 0;
	for (int i = 0; at != 0 && copy(at, &ts, sizeof(ts)); i++) {
		if (i == MAX_THREADS) {
			put(&t, "...\n");
			break;
		}
		put_thread(&t, &ts);
		at = (uintptr_t)ts.next;
	}
	return t.n;
}
