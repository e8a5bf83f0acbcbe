#include "daemon/latency.h"

#include <hdr/hdr_histogram.h>
#include <string.h>

#include "daemon/children.h"
#include "daemon/clock.h"
#include "proto/pack.h"

#define LONGEST_NS (3600 * NS_PER_S) /* longer counts as this */
#define DIGITS 2                     /* figures are good to 1 % */

static const char *const starts[LATENCY_STARTS] = { "standby", "warm", "cold" };

int
latency_init(struct latency *l, struct err *e)
{
	*l = (struct latency){ 0 };
	for (int s = 0; s < LATENCY_STARTS; s++)
		for (int p = 0; p < PHASES; p++)
			if (hdr_init(1, LONGEST_NS, DIGITS, &l->of[s][p]) != 0)
				return err_memory(e, "histograms");
	return 0;
}

void
latency_fini(struct latency *l)
{
	for (int s = 0; s < LATENCY_STARTS; s++)
		for (int p = 0; p < PHASES; p++)
			if (l->of[s][p] != NULL)
				hdr_close(l->of[s][p]);
	*l = (struct latency){ 0 };
}

void
latency_record(struct latency *l, const struct child *c)
{
	const char *start = child_start_name(c);
	uint64_t ns[PHASES];

	phases_of(c, ns);
	for (int s = 0; s < LATENCY_STARTS; s++) {
		if (strcmp(starts[s], start) != 0)
			continue;
		for (int p = 0; p < PHASES; p++)
			hdr_record_value(l->of[s][p],
			    (int64_t)(ns[p] < LONGEST_NS ? ns[p] : LONGEST_NS));
	}
}

static void
pack_histogram(const struct hdr_histogram *h, msgpack_packer *pk)
{
	static const double shares[] = { 50, 90, 99 };
	int64_t ns[3];
	struct pack_map m;

	hdr_value_at_percentiles(h, shares, ns, 3);
	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "count", h->total_count);
	pack_kv_uint(pk, &m, "p50_ns", ns[0]);
	pack_kv_uint(pk, &m, "p90_ns", ns[1]);
	pack_kv_uint(pk, &m, "p99_ns", ns[2]);
	pack_kv_uint(pk, &m, "max_ns", hdr_max(h));
	pack_map_end(&m);
}

static void
pack_start(struct hdr_histogram *const of[PHASES], msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	for (int p = 0; p < PHASES; p++) {
		pack_key(pk, &m, phase_names[p]);
		pack_histogram(of[p], pk);
	}
	pack_map_end(&m);
}

void
latency_pack(const struct latency *l, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	for (int s = 0; s < LATENCY_STARTS; s++) {
		if (l->of[s][0]->total_count == 0)
			continue;
		pack_key(pk, &m, starts[s]);
		pack_start(l->of[s], pk);
	}
	pack_map_end(&m);
}
