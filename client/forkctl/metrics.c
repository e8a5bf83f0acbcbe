#include "client/forkctl/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "client/forkctl/rpc.h"

enum scale { ONE, NS, KB, IS }; /* IS: 1 where the text is WORD */

/* One metric family: NAME and UNIT are its name, KEY where it is told. */
struct figure {
	const char *name, *type, *unit;
	const char *help;
	const char *key;
	enum scale scale;
	const char *word;
};

static const struct figure server_figures[] = {
	{ "uptime_seconds", "gauge", "seconds", "Since the daemon's start.",
	    "uptime_ns", NS, NULL },
	{ "draining", "gauge", NULL, "Whether it takes no more spawns.",
	    "state", IS, "draining" },
	{ "clients", "gauge", NULL, "Connections.", "clients", ONE, NULL },
	{ "standbys", "gauge", NULL,
	    "Processes forked ahead: ready, being made, or ending.", "standbys",
	    ONE, NULL },
	{ "memory_scarce", "gauge", NULL,
	    "Whether no standbys are kept for want of memory.", "memory_scarce",
	    ONE, NULL },
	{ "records", "gauge", NULL, "Exit records that are kept.",
	    "children.ended", ONE, NULL },
	{ "spawns", "counter", NULL, "Children that have started.", "spawned",
	    ONE, NULL },
	{ "forks", "counter", NULL, "Forks that zygotes were told to make.",
	    "forks", ONE, NULL },
	{ "fork_orders", "counter", NULL,
	    "Messages that they were told of these in.", "orders", ONE, NULL },
	{ "strays", "counter", NULL, "Reaped processes that were nobody's.",
	    "strays", ONE, NULL },
};

static const struct figure template_figures[] = {
	{ "template_ready", "gauge", NULL, "Whether it can start children.",
	    "state", IS, "ready" },
	{ "template_promoted", "gauge", NULL,
	    "Whether its children are promoted.", "way", IS, "promoted" },
	{ "template_generation", "gauge", NULL, "Of the zygote that serves.",
	    "generation", ONE, NULL },
	{ "template_age_seconds", "gauge", "seconds",
	    "Since that zygote was ready.", "age_ns", NS, NULL },
	{ "template_failed_generation", "gauge", NULL,
	    "Last generation that a reload could not make; none since: absent.",
	    "failed.generation", ONE, NULL },
	{ "template_failures", "gauge", NULL,
	    "Zygotes that failed to start, in a row.", "failures", ONE, NULL },
	{ "template_children", "gauge", NULL, "Its live children.", "children",
	    ONE, NULL },
	{ "template_resident_bytes", "gauge", "bytes",
	    "Memory of the zygote that serves.", "resident_kb", KB, NULL },
	{ "template_anonymous_bytes", "gauge", "bytes",
	    "What of it is no file's.", "anonymous_kb", KB, NULL },
	{ "template_standbys_ready", "gauge", NULL, "Its standbys.",
	    "standby.ready", ONE, NULL },
	{ "template_standbys_target", "gauge", NULL,
	    "As many standbys shall be ready.", "standby.target", ONE, NULL },
	{ "template_standby_private_bytes", "gauge", "bytes",
	    "Memory that a standby has for itself.", "standby.private_kb", KB,
	    NULL },
	{ "template_standbys_taken", "counter", NULL,
	    "Spawns that found a standby.", "standby.taken", ONE, NULL },
	{ "template_standbys_missed", "counter", NULL,
	    "Spawns that found none.", "standby.missed", ONE, NULL },
	{ "template_standbys_dropped", "counter", NULL,
	    "Standbys ended for want of memory.", "standby.dropped", ONE,
	    NULL },
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void
head(FILE *f, const char *name, const char *type, const char *unit,
    const char *help)
{
	fprintf(f, "# TYPE forkserverd_%s %s\n", name, type);
	if (unit != NULL)
		fprintf(f, "# UNIT forkserverd_%s %s\n", name, unit);
	fprintf(f, "# HELP forkserverd_%s %s\n", name, help);
}

static void
label(FILE *f, const char *name, struct bytes value, bool first)
{
	fprintf(f, "%c%s=\"", first ? '{' : ',', name);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\n')
			fputs("\\n", f);
		else if (value.p[i] == '"' || value.p[i] == '\\')
			fprintf(f, "\\%c", value.p[i]);
		else
			fputc(value.p[i], f);
	}
	fputc('"', f);
}

/* The value at PATH ("standby.ready") of the map O, NULL: there is none. */
static const msgpack_object *
find(const msgpack_object *o, const char *path)
{
	size_t n = strcspn(path, ".");

	if (o->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[i];

		if (kv->key.type != MSGPACK_OBJECT_STR ||
		    kv->key.via.str.size != n ||
		    memcmp(kv->key.via.str.ptr, path, n) != 0)
			continue;
		return path[n] == '.' ? find(&kv->val, path + n + 1) : &kv->val;
	}
	return NULL;
}

static void
value(FILE *f, const struct figure *g, const msgpack_object *o)
{
	uint64_t v = 0;

	if (g->scale == IS)
		v = bytes_eq((struct bytes){ o->via.str.ptr, o->via.str.size },
		    g->word);
	else
		v = o->type == MSGPACK_OBJECT_BOOLEAN ? o->via.boolean :
							o->via.u64;
	if (g->scale == NS)
		fprintf(f, " %.9f\n", (double)v / 1e9);
	else
		fprintf(f, " %" PRIu64 "\n", g->scale == KB ? v * 1024 : v);
}

/* TEMPLATE: NULL for one of the server's. */
static void
sample(FILE *f, const struct figure *g, const msgpack_object *from,
    const struct bytes *template)
{
	const msgpack_object *o = find(from, g->key);

	if (o == NULL || (g->scale == IS) != (o->type == MSGPACK_OBJECT_STR) ||
	    (g->scale != IS && o->type != MSGPACK_OBJECT_BOOLEAN &&
		o->type != MSGPACK_OBJECT_POSITIVE_INTEGER))
		return;
	fprintf(f, "forkserverd_%s%s", g->name,
	    strcmp(g->type, "counter") == 0 ? "_total" : "");
	if (template != NULL) {
		label(f, "template", *template, true);
		fputc('}', f);
	}
	value(f, g, o);
}

static void
print_children(FILE *f, const msgpack_object *status)
{
	static const char *const states[] = { "queued", "starting", "running" };
	const msgpack_object *children = find(status, "children");

	head(f, "children", "gauge", NULL, "Live children by state.");
	for (size_t i = 0; children != NULL && i < COUNT(states); i++)
		fprintf(f, "forkserverd_children{state=\"%s\"} %" PRIu64 "\n",
		    states[i], rpc_uint(children, states[i]));
}

/* One start kind's phase. */
struct phase {
	struct bytes start, name;
	const msgpack_object *figures;
};

static void
each_phase(FILE *f, const msgpack_object *latency,
    void (*fn)(FILE *, const struct phase *))
{
	for (uint32_t i = 0; i < latency->via.map.size; i++) {
		const msgpack_object_kv *s = &latency->via.map.ptr[i];

		if (s->key.type != MSGPACK_OBJECT_STR ||
		    s->val.type != MSGPACK_OBJECT_MAP)
			continue;
		for (uint32_t j = 0; j < s->val.via.map.size; j++) {
			const msgpack_object_kv *p = &s->val.via.map.ptr[j];
			size_t n = p->key.type == MSGPACK_OBJECT_STR ?
			    p->key.via.str.size :
			    0;

			if (n <= 3 || p->val.type != MSGPACK_OBJECT_MAP)
				continue; /* each ends with _ns */
			fn(f,
			    &(struct phase){
				{ s->key.via.str.ptr, s->key.via.str.size },
				{ p->key.via.str.ptr, n - 3 }, &p->val });
		}
	}
}

static void
phase_labels(FILE *f, const struct phase *p)
{
	label(f, "start", p->start, true);
	label(f, "phase", p->name, false);
}

static void
print_quantiles(FILE *f, const struct phase *p)
{
	static const struct {
		const char *key, *quantile;
	} q[] = { { "p50_ns", "0.5" }, { "p90_ns", "0.9" },
		{ "p99_ns", "0.99" } };

	for (size_t i = 0; i < COUNT(q); i++) {
		fputs("forkserverd_spawn_phase_seconds", f);
		phase_labels(f, p);
		fprintf(f, ",quantile=\"%s\"} %.9f\n", q[i].quantile,
		    (double)rpc_uint(p->figures, q[i].key) / 1e9);
	}
	fputs("forkserverd_spawn_phase_seconds_count", f);
	phase_labels(f, p);
	fprintf(f, "} %" PRIu64 "\n", rpc_uint(p->figures, "count"));
}

static void
print_max(FILE *f, const struct phase *p)
{
	fputs("forkserverd_spawn_phase_max_seconds", f);
	phase_labels(f, p);
	fprintf(f, "} %.9f\n", (double)rpc_uint(p->figures, "max_ns") / 1e9);
}

static void
print_latency(FILE *f, const msgpack_object *status)
{
	const msgpack_object *latency = find(status, "latency");

	if (latency == NULL || latency->type != MSGPACK_OBJECT_MAP)
		return;
	head(f, "spawn_phase_seconds", "summary", "seconds",
	    "How long spawns took, by how the child started and phase.");
	each_phase(f, latency, print_quantiles);
	head(f, "spawn_phase_max_seconds", "gauge", "seconds",
	    "The longest since the daemon's start.");
	each_phase(f, latency, print_max);
}

static void
print_templates(FILE *f, const msgpack_object *status)
{
	const msgpack_object *all = find(status, "templates");

	if (all == NULL || all->type != MSGPACK_OBJECT_ARRAY)
		return;
	for (size_t i = 0; i < COUNT(template_figures); i++) {
		const struct figure *g = &template_figures[i];

		head(f, g->name, g->type, g->unit, g->help);
		for (uint32_t t = 0; t < all->via.array.size; t++) {
			const msgpack_object *o = &all->via.array.ptr[t];
			struct bytes name = rpc_text(o, "name");

			sample(f, g, o, &name);
		}
	}
}

void
metrics_print(FILE *f, const msgpack_object *status)
{
	head(f, "build", "info", NULL, "Which daemon this is.");
	fputs("forkserverd_build_info", f);
	label(f, "server", rpc_text(status, "server"), true);
	label(f, "instance_id", rpc_text(status, "instance"), false);
	fputs("} 1\n", f);
	for (size_t i = 0; i < COUNT(server_figures); i++) {
		const struct figure *g = &server_figures[i];

		head(f, g->name, g->type, g->unit, g->help);
		sample(f, g, status, NULL);
	}
	print_children(f, status);
	print_latency(f, status);
	print_templates(f, status);
	fputs("# EOF\n", f);
}
