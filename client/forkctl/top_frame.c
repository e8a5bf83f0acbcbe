#include "client/forkctl/top_frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/forkctl/renewal.h"
#include "client/forkctl/rpc.h"
#include "client/forkctl/table.h"
#include "client/forkctl/text.h"

/* TEXT, cut to WIDTH columns, and a line break. */
static void
cut_line(FILE *f, const char *text, size_t width)
{
	struct table t;

	table_init(&t, 1, 0);
	table_str(&t, text);
	table_print(&t, f, width);
	table_fini(&t);
}

static void
head(FILE *f, const msgpack_object *status, struct top_before *b, size_t width)
{
	uint64_t spawned = rpc_uint(status, "spawned");
	uint64_t uptime = rpc_uint(status, "uptime_ns");
	struct bytes server = rpc_text(status, "server");
	struct bytes state = rpc_text(status, "state");
	char up[32], rate[48] = "", *line;

	text_duration(up, sizeof(up), uptime);
	if (b->uptime_ns != 0 && uptime > b->uptime_ns)
		snprintf(rate, sizeof(rate), " (%.1f/s)",
		    (double)(spawned - b->spawned) * 1e9 /
			(double)(uptime - b->uptime_ns));
	*b = (struct top_before){ spawned, uptime };
	if (asprintf(&line,
		"%.*s, pid %" PRIu64 ", %.*s, up %s; clients %" PRIu64
		", spawned %" PRIu64 "%s, standbys %" PRIu64,
		(int)server.n, server.p, rpc_uint(status, "pid"), (int)state.n,
		state.p, up, rpc_uint(status, "clients"), spawned, rate,
		rpc_uint(status, "standbys")) == -1)
		abort();
	cut_line(f, line, width);
	free(line);
}

static void
memory_cell(struct table *t, uint64_t kb)
{
	char buf[32] = "-";

	if (kb > 0)
		snprintf(buf, sizeof(buf), "%.1fM", (double)kb / 1024);
	table_str(t, buf);
}

static void
standby_cell(struct table *t, struct map *m)
{
	const msgpack_object *o;
	char buf[48] = "-";

	if (map_obj(m, "standby", MAP_OPTIONAL, &o) == 1)
		snprintf(buf, sizeof(buf), "%" PRIu64 "/%" PRIu64,
		    rpc_uint(o, "ready"), rpc_uint(o, "target"));
	table_str(t, buf);
}

static void
template_row(struct table *t, const msgpack_object *o)
{
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == -1)
		return;
	table_map_text(t, &m, "name");
	table_map_text(t, &m, "state");
	table_map_uint(t, &m, "generation");
	table_map_duration(t, &m, "age_ns");
	table_map_uint(t, &m, "children");
	standby_cell(t, &m);
	memory_cell(t, rpc_uint(o, "resident_kb"));
	table_map_text(t, &m, "way");
}

/* The generation that did not come. */
static void
failed_line(FILE *f, const msgpack_object *o, size_t width)
{
	const msgpack_object *failed, *error;
	struct map m, fm;
	struct err e;
	char *line = NULL;
	size_t n;
	FILE *mem;

	if (map_init(&m, o, "", &e) == -1 ||
	    map_obj(&m, "failed", MAP_OPTIONAL, &failed) != 1 ||
	    map_init(&fm, failed, "", &e) == -1 ||
	    map_obj(&fm, "error", MAP_OPTIONAL, &error) != 1)
		return;
	mem = open_memstream(&line, &n);
	if (mem == NULL)
		abort();
	renewal_tell_failed(mem, o, rpc_uint(failed, "generation"), error,
	    rpc_uint(o, "generation"));
	fclose(mem);
	cut_line(f, line, width);
	free(line);
}

static void
templates(FILE *f, const msgpack_object *status, size_t width)
{
	static const char *const heads[] = { "TEMPLATE", "STATE", "GEN", "AGE",
		"CHILDREN", "STANDBYS", "MEMORY", "WAY" };
	const msgpack_object_array *all;
	struct table t;
	struct map m;
	struct err e;

	if (map_init(&m, status, "", &e) == -1 ||
	    map_array(&m, "templates", MAP_REQUIRED, SIZE_MAX, &all) == -1)
		return;
	table_init(&t, 8, 0x7c);
	for (size_t i = 0; i < 8; i++)
		table_str(&t, heads[i]);
	for (uint32_t i = 0; i < all->size; i++)
		template_row(&t, &all->ptr[i]);
	fputc('\n', f);
	table_print(&t, f, width);
	table_fini(&t);
	for (uint32_t i = 0; i < all->size; i++)
		failed_line(f, &all->ptr[i], width);
}

/* What /proc tells of PID: the time on processors, and resident memory. */
static void
proc_cells(struct table *t, uint64_t pid)
{
	unsigned long long user = 0, sys = 0, pages = 0;
	char path[64], line[1024], buf[32] = "-", *p = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", pid);
	f = fopen(path, "re");
	if (f != NULL && fgets(line, sizeof(line), f) != NULL)
		p = strrchr(line, ')'); /* the name may have anything in it */
	if (f != NULL)
		fclose(f);
	if (p != NULL &&
	    sscanf(p,
		") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu "
		"%*d %*d %*d %*d %*d %*d %*u %*u %llu",
		&user, &sys, &pages) == 3)
		snprintf(buf, sizeof(buf), "%.2fs",
		    (double)(user + sys) / (double)sysconf(_SC_CLK_TCK));
	table_str(t, buf);
	memory_cell(t, pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

static void
child_row(struct table *t, const msgpack_object *o)
{
	struct bytes title = rpc_text(o, "title");
	struct map m;
	struct err e;

	if (map_init(&m, o, "", &e) == -1)
		return;
	table_map_uint(t, &m, "id");
	table_map_uint(t, &m, "pid");
	table_map_uint(t, &m, "uid");
	table_map_text(t, &m, "template");
	table_map_uint(t, &m, "generation");
	table_map_text(t, &m, "state");
	table_map_duration(t, &m, "age_ns");
	proc_cells(t, rpc_uint(o, "pid"));
	if (title.n == 0)
		title = rpc_text(o, "entry");
	table_text(t, title.p, title.n);
}

static void
children(FILE *f, const msgpack_object *list, size_t width)
{
	static const char *const heads[] = { "ID", "PID", "UID", "TEMPLATE",
		"GEN", "STATE", "AGE", "TIME", "MEMORY", "TITLE" };
	const msgpack_object_array *all;
	struct table t;
	struct map m;
	struct err e;

	if (map_init(&m, list, "", &e) == -1 ||
	    map_array(&m, "children", MAP_REQUIRED, SIZE_MAX, &all) == -1)
		return;
	table_init(&t, 10, 0x1d7);
	for (size_t i = 0; i < 10; i++)
		table_str(&t, heads[i]);
	for (uint32_t i = 0; i < all->size; i++)
		child_row(&t, &all->ptr[i]);
	fputc('\n', f);
	table_print(&t, f, width);
	table_fini(&t);
}

void
top_frame(FILE *f, const msgpack_object *status, const msgpack_object *list,
    struct top_before *b, size_t width)
{
	head(f, status, b, width);
	templates(f, status, width);
	children(f, list, width);
}
