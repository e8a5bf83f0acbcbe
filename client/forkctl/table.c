#include "client/forkctl/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/forkctl/text.h"

void
table_init(struct table *t, unsigned columns, unsigned right)
{
	memset(t, 0, sizeof(*t));
	t->columns = columns;
	t->right = right;
}

void
table_fini(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
}

void
table_text(struct table *t, const char *s, size_t n)
{
	size_t len;
	FILE *f;

	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->cells = reallocarray(t->cells, t->cap, sizeof(*t->cells));
		if (t->cells == NULL)
			abort();
	}
	f = open_memstream(&t->cells[t->n], &len);
	if (f == NULL)
		abort();
	text_word(f, s, n);
	fclose(f);
	t->n++;
}

void
table_str(struct table *t, const char *s)
{
	table_text(t, s, strlen(s));
}

void
table_uint(struct table *t, uint64_t v)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%" PRIu64, v);
	table_str(t, buf);
}

void
table_duration(struct table *t, uint64_t ns)
{
	char buf[32];

	text_duration(buf, sizeof(buf), ns);
	table_str(t, buf);
}

void
table_map_text(struct table *t, struct map *m, const char *key)
{
	struct bytes b;

	if (map_text(m, key, MAP_OPTIONAL, SIZE_MAX, &b) == 1)
		table_text(t, b.p, b.n);
	else
		table_str(t, "-");
}

void
table_map_uint(struct table *t, struct map *m, const char *key)
{
	uint64_t v;

	if (map_uint(m, key, MAP_OPTIONAL, UINT64_MAX, &v) == 1)
		table_uint(t, v);
	else
		table_str(t, "-");
}

void
table_map_duration(struct table *t, struct map *m, const char *key)
{
	uint64_t v;

	if (map_uint(m, key, MAP_OPTIONAL, UINT64_MAX, &v) == 1)
		table_duration(t, v);
	else
		table_str(t, "-");
}

static void
spaces(FILE *f, size_t n)
{
	fprintf(f, "%*s", (int)n, "");
}

/* As much of S as goes into WIDTH columns; the end shows that it was cut. */
static void
put_cut(FILE *f, const char *s, size_t width)
{
	char buf[8];
	size_t n = strlen(s), used = 0;

	if (text_width(s) <= width) {
		fputs(s, f);
		return;
	}
	for (size_t len; n > 0; s += len, n -= len) {
		len = text_utf8(s, n);
		len = len == 0 ? 1 : len;
		memcpy(buf, s, len);
		buf[len] = '\0';
		used += text_width(buf);
		if (used >= width)
			break;
		fputs(buf, f);
	}
	if (width > 0)
		fputc('>', f);
}

static void
put_row(const struct table *t, FILE *f, char **row, const size_t *widths)
{
	for (unsigned c = 0; c < t->columns; c++) {
		size_t pad = widths[c] - text_width(row[c]);
		bool last = c + 1 == t->columns;

		if ((t->right & 1u << c) != 0)
			spaces(f, pad);
		fputs(row[c], f);
		if (!last && (t->right & 1u << c) == 0)
			spaces(f, pad);
		if (!last)
			spaces(f, 2);
	}
}

static void
put_cut_row(const struct table *t, FILE *f, char **row, const size_t *widths,
    size_t width)
{
	char *line = NULL;
	size_t n;
	FILE *mem = open_memstream(&line, &n);

	if (mem == NULL)
		abort();
	put_row(t, mem, row, widths);
	fclose(mem);
	put_cut(f, line, width);
	free(line);
}

void
table_print(const struct table *t, FILE *f, size_t width)
{
	size_t widths[32] = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		size_t w = text_width(t->cells[i]);

		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	for (size_t i = 0; i + t->columns <= t->n; i += t->columns) {
		if (width > 0)
			put_cut_row(t, f, t->cells + i, widths, width);
		else
			put_row(t, f, t->cells + i, widths);
		fputc('\n', f);
	}
}

size_t
table_screen(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1)
		return 0;
	return ws.ws_col;
}
