#include "client/forkctl/bench_report.h"

#include <string.h>

#include "client/forkctl/json.h"
#include "client/forkctl/table.h"
#include "client/forkctl/text.h"
#include "proto/pack.h"

#define PIPED_WIDTH 78
#define BAR_ROWS 4

const char *const bench_start_names[BENCH_STARTS] = { "standby", "warm",
	"cold" };
static const double shares[] = { .5, .9, .99, 1 };
#define SHARES (sizeof(shares) / sizeof(*shares))

void
bench_fini(struct bench *b)
{
	for (int s = 0; s < BENCH_STARTS; s++) {
		series_fini(&b->starts[s].started);
		series_fini(&b->starts[s].reaped);
	}
}

static void
sort_all(struct bench *b)
{
	for (int s = 0; s < BENCH_STARTS; s++) {
		series_sort(&b->starts[s].started);
		series_sort(&b->starts[s].reaped);
	}
}

static void
row(struct table *t, const char *start, const char *until,
    const struct series *s)
{
	if (s->n == 0)
		return;
	table_str(t, start);
	table_str(t, until);
	table_uint(t, s->n);
	for (size_t i = 0; i < SHARES; i++)
		table_duration(t, series_quantile(s, shares[i]));
}

static void
print_table(const struct bench *b)
{
	static const char *const heads[] = { "START", "UNTIL", "COUNT", "P50",
		"P90", "P99", "MAX" };
	struct table t;

	table_init(&t, 7, 0x7c);
	for (size_t i = 0; i < 7; i++)
		table_str(&t, heads[i]);
	for (int s = 0; s < BENCH_STARTS; s++) {
		row(&t, bench_start_names[s], "started", &b->starts[s].started);
		row(&t, bench_start_names[s], "reaped", &b->starts[s].reaped);
	}
	table_print(&t, stdout, 0);
	table_fini(&t);
}

/* All on one axis, so that they can be compared by eye. */
static void
print_histograms(const struct bench *b)
{
	const struct series *all[BENCH_STARTS];
	size_t screen = table_screen();
	struct axis x;

	for (int s = 0; s < BENCH_STARTS; s++)
		all[s] = &b->starts[s].started;
	axis_init(&x, all, BENCH_STARTS, screen > 0 ? screen : PIPED_WIDTH);
	for (int s = 0; s < BENCH_STARTS; s++) {
		if (all[s]->n == 0)
			continue;
		printf("\n%s, until started:\n", bench_start_names[s]);
		axis_print(&x, all[s], BAR_ROWS, stdout);
		axis_print_scale(&x, stdout);
	}
}

static bool
is_empty(const struct bench *b)
{
	for (int s = 0; s < BENCH_STARTS; s++)
		if (b->starts[s].started.n > 0)
			return false;
	return true;
}

void
bench_report(struct bench *b)
{
	sort_all(b);
	fputs("template ", stdout);
	text_word(stdout, b->template, strlen(b->template));
	fputs(", ", stdout);
	text_word(stdout, b->call, strlen(b->call));
	printf(", %zu of %zu rounds\n\n", b->done, b->rounds);
	if (!is_empty(b)) {
		print_table(b);
		print_histograms(b);
	}
	for (int s = 0; s < BENCH_STARTS; s++) {
		const struct bench_start *start = &b->starts[s];

		if (start->wanted && !start->there)
			printf("\n%s: the template has none\n",
			    bench_start_names[s]);
		else if (start->others > 0)
			printf("\n%s: %zu more were asked for and had another "
			       "start\n",
			    bench_start_names[s], start->others);
	}
}

static void
pack_series(const struct series *s, msgpack_packer *pk)
{
	static const char *const keys[SHARES] = { "p50_ns", "p90_ns", "p99_ns",
		"max_ns" };
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "count", s->n);
	pack_kv_uint(pk, &m, "min_ns", series_quantile(s, 0));
	for (size_t i = 0; i < SHARES; i++)
		pack_kv_uint(pk, &m, keys[i], series_quantile(s, shares[i]));
	pack_map_end(&m);
}

static void
pack_start(const struct bench_start *s, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_bool(pk, &m, "there", s->there);
	pack_kv_uint(pk, &m, "others", s->others);
	if (s->started.n > 0) {
		pack_key(pk, &m, "started");
		pack_series(&s->started, pk);
		pack_key(pk, &m, "reaped");
		pack_series(&s->reaped, pk);
	}
	pack_map_end(&m);
}

void
bench_report_json(struct bench *b, FILE *f)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	msgpack_unpacked u;
	struct pack_map m, starts;
	size_t off = 0;

	sort_all(b);
	msgpack_sbuffer_init(&buf);
	pack_init(&pk, &buf);
	pack_map_begin(&pk, &m);
	pack_kv_text(&pk, &m, "template", b->template);
	pack_kv_text(&pk, &m, "call", b->call);
	pack_kv_uint(&pk, &m, "rounds", b->done);
	pack_key(&pk, &m, "starts");
	pack_map_begin(&pk, &starts);
	for (int s = 0; s < BENCH_STARTS; s++) {
		if (!b->starts[s].wanted)
			continue;
		pack_key(&pk, &starts, bench_start_names[s]);
		pack_start(&b->starts[s], &pk);
	}
	pack_map_end(&starts);
	pack_map_end(&m);
	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, buf.data, buf.size, &off) ==
	    MSGPACK_UNPACK_SUCCESS)
		json_line(f, &u.data);
	msgpack_unpacked_destroy(&u);
	msgpack_sbuffer_destroy(&buf);
}
